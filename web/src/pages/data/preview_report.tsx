// What an import would do, in words and table by table.

import { Alert, Flex, Tag } from 'antd';
import type { Schemas } from '../../api/client';
import { DataTable } from '../../components/data_table';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { texts } from './texts';

export type Preview = Schemas['Preview'];
type PreviewTable = Schemas['PreviewTable'];

const sum = (tables: PreviewTable[], member: 'added' | 'different' | 'onlyLive' | 'liveRows' | 'archiveRows') =>
  tables.reduce((total, table) => total + (table[member] ?? 0), 0);

function useSentences() {
  const t = useTexts(texts);
  const format = useFormat();
  return (preview: Preview): string[] => {
    const { tables } = preview;
    const n = (member: Parameters<typeof sum>[1]) => format.number(sum(tables, member));
    if (preview.mode === 'merge') {
      const name = preview.onConflict === 'update' ? 'saysMergeUpdate' : preview.onConflict === 'fail' ? 'saysMergeFail' : 'saysMerge';
      return [t(name, { added: n('added'), live: n('liveRows'), different: n('different'), onlyLive: n('onlyLive') })];
    }
    const logs = tables.find((table) => table.table === 'public.message_request');
    const isEmptied = logs !== undefined && logs.liveRows > 0 && (preview.skipLogs || !preview.archive.hasLogs);
    return [
      t('saysOverwrite', { database: preview.live.database ?? '', live: n('liveRows'), rows: n('archiveRows'), onlyLive: n('onlyLive') }),
      ...(isEmptied ? [t('saysLogsEmptied', { n: format.number(logs.liveRows) })] : []),
    ];
  };
}

export function PreviewReport({ preview }: { preview: Preview }) {
  const t = useTexts(texts);
  const format = useFormat();
  const sentences = useSentences()(preview);
  const changes = (table: PreviewTable) => (table.problem ? Infinity : (table.added ?? 0) + (table.different ?? 0) + (table.onlyLive ?? 0));
  const busiest = preview.tables.toSorted((one, other) => changes(other) - changes(one) || 0); // two problems: NaN
  const count = (value: number | undefined) => (value === undefined ? '–' : format.number(value));
  return (
    <Flex vertical gap="small">
      <Alert type={preview.mode === 'overwrite' ? 'warning' : 'info'} showIcon title={t('whatHappens')} description={sentences.map((one) => <div key={one}>{one}</div>)} />
      {preview.warnings.length > 0 && (
        <Alert type="warning" showIcon title={t('warnings', { n: preview.warnings.length })} description={<ul className="problems">{preview.warnings.map((one) => <li key={one}>{one}</li>)}</ul>} />
      )}
      <DataTable
        label={t('whatHappens')} size="small" rowKey="table" dataSource={busiest} pagination={false} scroll={{ x: 'max-content', y: 400 }}
        columns={[
          { title: t('table'), render: (_, one) => <>{one.table} {one.new && <Tag color="blue">{t('newTable')}</Tag>}</> },
          { title: t('inArchive'), align: 'right', render: (_, one) => count(one.archiveRows) },
          { title: t('inLive'), align: 'right', render: (_, one) => count(one.liveRows) },
          { title: t('added'), align: 'right', render: (_, one) => count(one.added) },
          { title: t('different'), align: 'right', render: (_, one) => count(one.different) },
          { title: t('onlyLive'), align: 'right', render: (_, one) => count(one.onlyLive) },
          {
            title: t('problem'),
            render: (_, one) => one.problem ?? (one.examples?.length ? t('examples', { examples: one.examples.map(({ key, columns }) => `${key}: ${columns}`).join('; ') }) : ''),
          },
        ]}
      />
    </Flex>
  );
}
