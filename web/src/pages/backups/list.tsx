// The stored backups, page by page: state, size, why each is kept, and what can be done with it.

import { DownOutlined, LockOutlined, PushpinOutlined } from '@ant-design/icons';
import { App, Button, Dropdown, Flex, Pagination, Select, Tag, Typography } from 'antd';
import { useState } from 'react';
import { api } from '../../api/client';
import { ErrorNotice, Loading, Nothing, Technical } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useUrlState } from '../../lib/use_url_state';
import { useAct } from './actions';
import { ContentsDrawer } from './contents';
import { Kept } from './kept';
import { idPath, useBackups, useDestinations, useJobs, type Backup } from './queries';
import { RestoreDialog } from './restore';
import { texts } from './texts';
import { StateTag, useWords } from './words';

const PAGE_SIZE = 20;

function Row({ backup, largest, onRestore, onLook }: { backup: Backup; largest: number; onRestore: () => void; onLook: () => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const { modal } = App.useApp();
  const { act, busy } = useAct();
  const { id, name, isPinned, isEncrypted } = backup;
  const remove = () => void modal.confirm({
    title: t('deleteTitle', { name }), content: t('deleteText', { destination: backup.destination ?? '' }), okText: t('remove'), okButtonProps: { danger: true }, cancelText: t('cancel'),
    onOk: async () => {
      await act('delete', () => api.DELETE('/api/admin/backups/{id}', idPath(id)), t('deleted', { name }));
    },
  });
  const items = [
    { key: 'contents', label: t(backup.hasManifest ? 'look' : 'lookNot'), disabled: !backup.hasManifest, onClick: onLook },
    { key: 'verify', label: t('verify'), onClick: () => void act('verify', () => api.POST('/api/admin/backups/{id}/verify', idPath(id)), t('queued')) },
    { key: 'drill', label: t(isEncrypted ? 'drillEncrypted' : 'drill'), disabled: isEncrypted, onClick: () => void act('drill', () => api.POST('/api/admin/backups/{id}/drill', idPath(id)), t('queued')) },
    { key: 'pin', label: t(isPinned ? 'unpin' : 'pin'), onClick: () => void act('pin', () => api.PATCH('/api/admin/backups/{id}', { ...idPath(id), body: { isPinned: !isPinned } })) },
    { key: 'delete', label: t('remove'), danger: true, onClick: remove },
  ];
  return (
    <li className="backup-row">
      <div>
        <time dateTime={backup.madeAt} className="numbers">{format.dateTime(backup.madeAt)}</time>
        <div className="technical">{backup.job}/{name}</div>
      </div>
      <div className="backup-text">
        <div>{backup.destination}</div>
        <Typography.Text type="secondary" className="numbers">{format.bytes(backup.bytes)}{backup.rows === null ? '' : ` · ${t('rows', { n: format.number(backup.rows) })}`}</Typography.Text>
        <div className="backup-size" aria-hidden style={{ width: `${(backup.bytes / largest) * 100}%` }} />
      </div>
      <div>
        <div>
          <StateTag state={backup.state} />
          {isEncrypted && <Tag icon={<LockOutlined />}>{t('encrypted')}</Tag>}
          {isPinned && <Tag icon={<PushpinOutlined />}>{t('pinned')}</Tag>}
        </div>
        {backup.state === 'proven' && backup.proof !== null && <div>{t('provenText', { ago: format.ago(backup.provenAt ?? backup.madeAt), how: words.proof(backup.proof) })}</div>}
        {backup.problem !== null && <Technical text={backup.problem} />}
        <Kept backup={backup} />
      </div>
      <Flex gap="small">
        <Button size="small" autoInsertSpace={false} aria-label={t('restoreOf', { name })} onClick={onRestore}>{t('restore')}</Button>
        <Dropdown trigger={['click']} menu={{ items }}><Button size="small" autoInsertSpace={false} loading={busy !== null} aria-label={t('moreOf', { name })}>{t('more')} <DownOutlined /></Button></Dropdown>
      </Flex>
    </li>
  );
}

export function BackupList() {
  const t = useTexts(texts);
  const [{ job, destination, page }, setState] = useUrlState({ job: '', destination: '', page: '1' });
  const [restoring, setRestoring] = useState<Backup | null>(null);
  const [looking, setLooking] = useState<Backup | null>(null);
  const jobs = useJobs().data ?? [], destinations = useDestinations().data ?? [];
  const current = Math.max(1, Math.floor(Number(page)) || 1);
  const found = useBackups({ job, destinationId: Number(destination) || null, page: current, pageSize: PAGE_SIZE });
  const backups = found.data?.backups ?? [];
  const total = found.data?.total ?? 0;
  const largest = Math.max(1, ...backups.map(({ bytes }) => bytes));
  return (
    <Flex vertical gap="small">
      <Flex wrap gap="small" role="search">
        <Select className="compression" aria-label={t('job')} value={job} popupMatchSelectWidth={false} onChange={(value) => setState({ job: value, page: '1' })}
          options={[{ value: '', label: t('fact', { name: t('job') }) + t('any') }, ...jobs.map(({ name }) => ({ value: name, label: name }))]} />
        <Select className="compression" aria-label={t('destination')} value={destination} popupMatchSelectWidth={false} onChange={(value) => setState({ destination: value, page: '1' })}
          options={[{ value: '', label: t('fact', { name: t('destination') }) + t('any') }, ...destinations.map(({ id, name }) => ({ value: String(id), label: name }))]} />
      </Flex>
      {found.isPending && <Loading />}
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {found.data && backups.length === 0 && <Nothing what={t('noBackups')} />}
      <ul className="backup-rows" aria-label={t('backups')}>
        {backups.map((backup) => <Row key={backup.id} backup={backup} largest={largest} onRestore={() => setRestoring(backup)} onLook={() => setLooking(backup)} />)}
      </ul>
      {total > PAGE_SIZE && (
        <Pagination align="center" size="small" current={current} pageSize={PAGE_SIZE} total={total} showSizeChanger={false} responsive
          showTotal={(n) => t('count', { n })} onChange={(next) => setState({ page: String(next) })} />
      )}
      {looking && <ContentsDrawer backup={looking} onClose={() => setLooking(null)} />}
      {restoring && <RestoreDialog backup={restoring} onClose={() => setRestoring(null)} />}
    </Flex>
  );
}
