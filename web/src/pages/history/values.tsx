// Recorded values in readable form.

import { Typography } from 'antd';
import { useBatchTexts } from '../../batch/use_batch_texts';
import { useTexts } from '../../i18n/language';
import type { Json, Step } from './compare';
import { entityNames, recordNames, texts } from './texts';

function Quiet({ children }: { children: string }) {
  return <Typography.Text type="secondary" italic>{children}</Typography.Text>;
}

// The name of a field on the pages.
export function FieldName({ name }: { name: string }) {
  const { fieldName } = useBatchTexts();
  const known = useTexts(recordNames);
  if (name in recordNames) return known(name as keyof typeof recordNames);
  return fieldName(name) === name ? <code>{name}</code> : fieldName(name);
}

// `field`: the field of the value.
export function Value({ field, value }: { field?: string; value: Json | undefined }) {
  const t = useTexts(texts);
  const { fieldName, valueText } = useBatchTexts();
  if (field !== undefined && value !== undefined && fieldName(field) !== field && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    return <span className="history-value">{valueText(field, value as never)}</span>;
  }
  if (value === undefined) return <Quiet>{t('absent')}</Quiet>;
  if (value === null || value === '') return <Quiet>{t('none')}</Quiet>;
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  if (Array.isArray(value)) return value.length === 0 ? <Quiet>{t('none')}</Quiet> : <span className="history-value">{value.join(', ')}</span>;
  return <span className="history-value">{typeof value === 'object' ? JSON.stringify(value) : String(value)}</span>;
}

export function RowName({ row }: { row: { entity: string; id: number; name?: string | null } }) {
  const entity = useTexts(entityNames);
  const kind = row.entity in entityNames ? entity(row.entity as keyof typeof entityNames) : row.entity;
  return <>{kind} {row.name ? <><strong>{row.name}</strong> ({row.id})</> : row.id}</>;
}

export function Path({ path }: { path: Step[] }) {
  return path.map((step, index) => (
    <span key={index}>
      {index > 0 && ' › '}
      {typeof step === 'string' ? <FieldName name={step} /> : <RowName row={step} />}
    </span>
  ));
}
