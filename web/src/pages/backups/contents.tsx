// What is in a backup, by its manifest: nothing is fetched but that.

import { useQuery } from '@tanstack/react-query';
import { Alert, Descriptions, Drawer, Flex } from 'antd';
import { api, dataOf, type Schemas } from '../../api/client';
import { DataTable } from '../../components/data_table';
import { ErrorNotice, Loading } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { backupsKey, idPath, type Backup } from './queries';
import { texts } from './texts';
import { StateTag, useWords } from './words';

type Table = Schemas['Manifest']['tables'][number];

const nameOf = ({ schema, name }: Table) => (schema === null || schema === 'public' ? (name ?? '') : `${schema}.${name ?? ''}`);

function Tables({ manifest }: { manifest: Schemas['Manifest'] }) {
  const t = useTexts(texts);
  const format = useFormat();
  return (
    <DataTable<Table>
      label={t('tables')} size="small" rowKey={nameOf} dataSource={[...manifest.tables].sort((a, b) => b.bytes - a.bytes)} pagination={false} scroll={{ y: 480 }}
      columns={[
        { title: t('table'), render: (_, table) => <span className="technical-name">{nameOf(table)}</span> },
        { title: t('rowCount'), width: 110, align: 'right', render: (_, { rows }) => format.number(rows) },
        { title: t('dataSize'), width: 100, align: 'right', render: (_, { bytes }) => format.bytes(bytes) },
      ]}
    />
  );
}

// What is not in it; null: everything is.
function left(manifest: Schemas['Manifest'], t: (name: keyof typeof texts, values?: Record<string, string>) => string, list: (items: string[]) => string): string | null {
  if (manifest.ledgerOnly) return t('contentsLedger');
  const parts = [...(manifest.excludeLogs ? [t('contentsNoLogs')] : []), ...(manifest.excludedTables?.length ? [t('leftOut', { tables: list(manifest.excludedTables) })] : [])];
  return parts.length > 0 ? parts.join(' · ') : null;
}

export function ContentsDrawer({ backup, onClose }: { backup: Backup; onClose: () => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const found = useQuery({
    queryKey: [...backupsKey, 'manifest', backup.id],
    queryFn: () => dataOf(api.GET('/api/admin/backups/{id}/manifest', idPath(backup.id))),
    staleTime: Infinity,
  });
  const manifest = found.data;
  const level = manifest?.hubMigrations;
  return (
    <Drawer open size={640} title={t('contentsOf', { name: backup.name })} onClose={onClose}>
      <Flex vertical gap="middle">
        <Descriptions
          size="small" column={1} colon={false}
          items={[
            { label: t('fact', { name: t('madeAt') }), children: format.dateTime(backup.madeAt) },
            { label: t('fact', { name: t('destination') }), children: `${backup.destination ?? ''} · ${format.bytes(backup.bytes)}` },
            { label: t('fact', { name: t('state') }), children: <span><StateTag state={backup.state} />{backup.state === 'proven' && ` ${words.proof(backup.proof)}`}</span> },
            ...(manifest ? [{ label: t('fact', { name: t('what') }), children: left(manifest, t, format.list) ?? t('contentsFull') }] : []),
            ...(level === undefined ? [] : [{ label: t('fact', { name: t('hubLevel') }), children: manifest?.hubVersion ? t('hubLevelText', { level, version: manifest.hubVersion }) : String(level) }]),
          ]}
        />
        {backup.isEncrypted && <Alert type="info" title={t('contentsEncrypted')} />}
        {found.isPending && <Loading />}
        {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
        {manifest && <Tables manifest={manifest} />}
      </Flex>
    </Drawer>
  );
}
