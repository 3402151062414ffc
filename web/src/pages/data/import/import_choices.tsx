// The parameters of an import.

import { Checkbox, Flex, Radio, Select, Typography } from 'antd';
import { useTexts } from '../../../i18n/language';
import type { Inspection } from './archive_facts';
import { useStatus } from '../queries';
import { texts } from '../texts';

export interface Choices {
  mode: 'merge' | 'overwrite';
  onConflict: 'skip' | 'update' | 'fail';
  tables: string[]; // for a merge; empty: all
  skipLogs: boolean;
  withoutExtensions: string[];
  strict: boolean; // what this role may not make fails the import
}

export const defaultChoices: Choices = { mode: 'merge', onConflict: 'skip', tables: [], skipLogs: false, withoutExtensions: [], strict: false };

// The body of a preview's or an import's request. `allowIncomplete`: the user has accepted that an overwrite empties tables;
// `whileUploading`: the upload is not complete yet.
export function importRequest(choices: Choices, uploadId: string, { allowIncomplete = false, whileUploading = false } = {}): object {
  const { withoutExtensions, strict, skipLogs } = choices;
  const common = { uploadId, skipLogs, ...(withoutExtensions.length > 0 ? { withoutExtensions } : {}), ...(strict ? { strict } : {}) };
  return choices.mode === 'overwrite'
    ? { ...common, cleanFirst: true, ...(allowIncomplete ? { allowIncomplete } : {}), ...(whileUploading ? { whileUploading } : {}) }
    : { ...common, cleanFirst: false, onConflict: choices.onConflict,
        ...(choices.tables.length > 0 ? { tables: choices.tables } : {}) };
}

// `inspection` is null for an archive that was uploaded before.
export function ImportChoices({ inspection, choices, disabled, onChange }: {
  inspection: Inspection | null; choices: Choices; disabled: boolean; onChange: (choices: Choices) => void;
}) {
  const t = useTexts(texts);
  const status = useStatus().data;
  const set = (change: Partial<Choices>) => onChange({ ...choices, ...change });
  const overwriteText = status?.importMethod === 'transaction' ? t('overwriteTransaction', { reason: status.importMethodReason ?? '' }) : t('overwriteSwap');
  return (
    <Flex vertical gap="small">
      <Radio.Group
        aria-label={t('mode')} disabled={disabled} value={choices.mode} onChange={(event) => set({ mode: event.target.value as Choices['mode'] })}
        vertical
        options={[
          { value: 'merge', label: <><strong>{t('merge')}</strong> – {t('mergeHint')}</> },
          { value: 'overwrite', label: <><strong>{t('overwrite')}</strong> – {t('overwriteHint')}</> },
        ]}
      />
      {choices.mode === 'overwrite' && <Typography.Text type="secondary">{overwriteText}</Typography.Text>}
      {choices.mode === 'merge' && (
        <>
          <label htmlFor="on-conflict">{t('onConflict')}</label>
          <Select
            id="on-conflict" className="choice" disabled={disabled} value={choices.onConflict} onChange={(onConflict) => set({ onConflict })}
            options={[{ value: 'skip', label: t('conflictSkip') }, { value: 'update', label: t('conflictUpdate') }, { value: 'fail', label: t('conflictFail') }]}
          />
          {inspection && (
            <>
              <label htmlFor="only-tables">{t('onlyTables')}</label>
              <Select
                id="only-tables" className="choice" mode="multiple" allowClear disabled={disabled} value={choices.tables} placeholder={t('allTables')}
                onChange={(tables) => set({ tables })}
                options={inspection.tables.filter((one) => one.hasData).map(({ schema, name }) => `${schema}.${name}`).map((name) => ({ value: name, label: name }))}
              />
            </>
          )}
        </>
      )}
      <Checkbox disabled={disabled || inspection?.hasLogs === false} checked={choices.skipLogs} onChange={(event) => set({ skipLogs: event.target.checked })}>{t('skipLogs')}</Checkbox>
      <label htmlFor="without-extensions">{t('withoutExtensions')}</label>
      <Select
        id="without-extensions" className="choice" mode="tags" allowClear open={false} suffixIcon={null} disabled={disabled} value={choices.withoutExtensions}
        placeholder={t('noExtension')} tokenSeparators={[',', ' ']} onChange={(withoutExtensions) => set({ withoutExtensions })}
      />
      <Checkbox disabled={disabled} checked={choices.strict} onChange={(event) => set({ strict: event.target.checked })}>{t('strict')}</Checkbox>
    </Flex>
  );
}
