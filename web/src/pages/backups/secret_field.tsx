// A secret that is set is never shown; it is kept, replaced or removed.

import { Checkbox, Form, Input } from 'antd';
import type { ReactNode } from 'react';
import { useTexts } from '../../i18n/language';
import { texts } from './texts';

interface Props {
  id: string;
  label: string;
  hint?: ReactNode;
  isSet: boolean;
  isRequired?: boolean; // one that is set can then not be removed
  hasLines?: boolean;
  value: string | undefined; // undefined: it stays as it is; "": it is removed
  onChange: (value: string | undefined) => void;
}

export function SecretField({ id, label, hint, isSet, isRequired = false, hasLines = false, value, onChange }: Props) {
  const t = useTexts(texts);
  const canGo = isSet && !isRequired;
  const isRemoved = canGo && value === '';
  const props = {
    id, autoComplete: 'new-password', disabled: isRemoved, value: value ?? '', placeholder: isSet ? t('secretSet') : undefined,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value === '' ? undefined : event.target.value),
  };
  return (
    <Form.Item className={hasLines ? 'backup-field backup-wide' : 'backup-field'} label={label} htmlFor={id} required={isRequired}
      extra={(hint || canGo) && (
        <>
          {hint}
          {canGo && <div><Checkbox checked={isRemoved} onChange={(event) => onChange(event.target.checked ? '' : undefined)}>{t('removeSecret')}</Checkbox></div>}
        </>
      )}
    >
      {hasLines ? <Input.TextArea {...props} className="code-input" rows={3} /> : <Input.Password {...props} />}
    </Form.Item>
  );
}
