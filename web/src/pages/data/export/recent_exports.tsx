// The exports that the service remembers, with their manifests.

import { Grid, Tag, Typography } from 'antd';
import { addressOf } from '../../../api/address';
import type { Schemas } from '../../../api/client';
import { DataTable } from '../../../components/data_table';
import { ErrorNotice, Loading, Nothing } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { useExports } from '../queries';
import { texts } from '../texts';

type Export = Schemas['Export'];

export function RecentExports() {
  const t = useTexts(texts);
  const format = useFormat();
  const exports = useExports();
  const isWide = Grid.useBreakpoint().lg ?? window.innerWidth >= 992;
  const when = (one: Export) => (one.madeAt ? format.dateTime(one.madeAt) : t('unknown'));
  const size = (one: Export) => (one.bytes === null ? '–' : format.bytes(one.bytes));
  const name = (one: Export) => <><span className="technical-name">{one.fileName}</span> {one.excludeLogs && <Tag>{t('withoutLogs')}</Tag>}</>;
  const manifest = (one: Export) => <a href={addressOf(`/api/admin/database/exports/${one.id}/manifest`)} download aria-label={t('manifestOf', { file: one.fileName ?? String(one.id) })}>JSON</a>;
  if (exports.isPending) return <Loading rows={2} />;
  if (exports.isError) return <ErrorNotice error={exports.error} onRetry={() => void exports.refetch()} />;
  return (
    <DataTable<Export>
      label={t('history')} size="small" rowKey="id" dataSource={exports.data.exports}
      pagination={{ pageSize: 5, hideOnSinglePage: true, size: 'small' }} locale={{ emptyText: <Nothing what={t('noExports')} /> }}
      columns={isWide ? [
        { title: t('file'), render: (_, one) => name(one) },
        { title: t('size'), align: 'right', render: (_, one) => size(one) },
        { title: t('rows'), align: 'right', render: (_, one) => (one.rows === null ? '–' : format.number(one.rows)) },
        { title: t('madeAt'), render: (_, one) => when(one) },
        { title: t('madeBy'), dataIndex: 'madeBy' },
        { title: t('manifest'), render: (_, one) => manifest(one) },
      ] : [
        { title: t('file'), render: (_, one) => <>{name(one)}<div><Typography.Text type="secondary">{size(one)} · {when(one)}</Typography.Text></div></> },
        { title: t('manifest'), render: (_, one) => manifest(one) },
      ]}
    />
  );
}
