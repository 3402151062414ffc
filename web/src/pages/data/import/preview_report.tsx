// The effect of an import, in words and table by table.

import { Alert, Flex, Typography } from 'antd';
import type { Schemas } from '../../../api/client';
import { useFormat } from '../../../i18n/format';
import { useTexts, type Translate } from '../../../i18n/language';
import { hubLevelText } from '../hub_level';
import { TableCounts } from './table_counts';
import { texts } from '../texts';

export type Preview = Schemas['Preview'];
type PreviewTable = Schemas['PreviewTable'];

const sum = (tables: PreviewTable[], of: (table: PreviewTable) => number | undefined) => tables.reduce((total, table) => total + (of(table) ?? 0), 0);

function mergeSentences(preview: Preview, t: Translate<keyof typeof texts>, n: (value: number) => string): string[] {
  const { tables, onConflict } = preview;
  const added = sum(tables, (table) => table.expected?.inserted ?? table.added);
  const different = sum(tables, (table) => table.different);
  const conflicting = sum(tables, (table) => table.conflicting);
  const isKnown = tables.every((table) => table.compared && !table.problem);
  if (isKnown && added === 0 && conflicting === 0 && (different === 0 || onConflict === 'skip')) return [different === 0 ? t('saysNothing') : t('saysNothingSkipped', { different: n(different) })];
  const name = onConflict === 'update' ? 'saysMergeUpdate' : onConflict === 'fail' ? 'saysMergeFail' : 'saysMerge';
  const values = { added: n(added), different: n(different), live: n(sum(tables, (table) => table.liveRows)), onlyLive: n(sum(tables, (table) => table.onlyLive)) };
  return [t(name, values), ...(conflicting > 0 ? [t('saysConflicting', { n: n(conflicting) })] : [])];
}

function overwriteSentences(preview: Preview, t: Translate<keyof typeof texts>, n: (value: number) => string): string[] {
  const { tables } = preview;
  const logs = tables.find((table) => table.table === 'public.message_request');
  const isEmptied = logs !== undefined && logs.liveRows > 0 && (preview.skipLogs || !preview.archive.hasLogs);
  const values = {
    database: preview.live.database ?? '', live: n(sum(tables, (table) => table.liveRows)), rows: n(sum(tables, (table) => table.archiveRows)),
    onlyLive: n(sum(tables, (table) => table.onlyLive)),
  };
  return [t('saysOverwrite', values), ...(isEmptied ? [t('saysLogsEmptied', { n: n(logs.liveRows) })] : [])];
}

// Rows that conflict with another unique key are not added.
const addedTo = ({ added, conflicting }: PreviewTable, isMerge: boolean) => (added === undefined || !isMerge ? added : added - (conflicting ?? 0));

// "id=5: rpm 5 → 7, key •••••• → ••••••": here → in the archive.
function exampleText({ key, columns, values }: NonNullable<PreviewTable['examples']>[number]): string {
  const shown = (value: string | undefined, isMasked: boolean | undefined) => (isMasked ? '••••••' : value ?? '–');
  const changes = values.map(({ column, live, archive, liveMasked, archiveMasked }) => `${column} ${shown(live, liveMasked)} → ${shown(archive, archiveMasked)}`);
  return `${key}: ${changes.join(', ') || columns}`;
}

export function PreviewReport({ preview }: { preview: Preview }) {
  const t = useTexts(texts);
  const format = useFormat();
  const sentences = (preview.mode === 'merge' ? mergeSentences : overwriteSentences)(preview, t, format.number);
  const changes = (table: PreviewTable) => (table.problem ? Infinity : (table.added ?? 0) + (table.different ?? 0) + (table.onlyLive ?? 0));
  const isMerge = preview.mode === 'merge';
  const differentName = !isMerge ? 'different' : preview.onConflict === 'update' ? 'differentChanged' : preview.onConflict === 'fail' ? 'differentFails' : 'differentKept';
  const busiest = preview.tables.toSorted((one, other) => changes(other) - changes(one) || 0); // two problems: NaN
  return (
    <Flex vertical gap="small">
      <Alert type={preview.mode === 'overwrite' ? 'warning' : 'info'} showIcon title={t('whatHappens')} description={sentences.map((one) => <div key={one}>{one}</div>)} />
      {(preview.archive.hubLevel ?? preview.live.hubLevel) !== null && (
        <Typography.Text type="secondary">{t('hubLevels', { archive: hubLevelText(preview.archive.hubLevel, t), live: hubLevelText(preview.live.hubLevel, t) })}</Typography.Text>
      )}
      {preview.warnings.length > 0 && (
        <Alert type="warning" showIcon title={t('warnings', { n: preview.warnings.length })} description={<ul className="problems">{preview.warnings.map((one) => <li key={one}>{one}</li>)}</ul>} />
      )}
      <TableCounts
        label={t('whatHappens')} titles={[t('inArchive'), t('inLive'), t('added'), t('identical'), t(differentName), ...(isMerge ? [t('keyTaken')] : []), t('onlyLive')]}
        rows={busiest.map((one) => ({
          table: one.table, isNew: one.new, problem: one.problem, counts: [
            one.archiveRows, one.liveRows, addedTo(one, isMerge), one.identical, one.different, ...(isMerge ? [one.conflicting] : []), one.onlyLive,
          ],
          ...(one.examples?.length ? { note: t('examples', { examples: one.examples.map(exampleText).join('; ') }) } : {}),
        }))}
      />
    </Flex>
  );
}
