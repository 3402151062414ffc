// The destinations: what is known of each, a test, a scan, an edit.

import { PlusOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Flex, Tag, Typography } from 'antd';
import { useCallback, useState } from 'react';
import { api, dataOf } from '../../../api/client';
import { ErrorNotice, Loading, Nothing, Technical } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { useAct } from '../actions';
import { DestinationForm } from './destination_form';
import { isKind, kinds } from './kinds';
import { backupsKey, idPath, useDestinations, type Destination } from '../queries';
import { texts } from '../texts';
import { useWords } from '../words';

const steps = { write: 'testWrite', read: 'testRead', compare: 'testCompare', delete: 'testDelete' } as const;

function useTest() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => dataOf(api.POST('/api/admin/backup-destinations/{id}/test', idPath(id))),
    onSettled: () => queries.invalidateQueries({ queryKey: backupsKey }),
  });
}

function TestOutcome({ test }: { test: ReturnType<typeof useTest> }) {
  const t = useTexts(texts);
  const format = useFormat();
  if (test.isPending) return <Typography.Text role="status">{t('testing')}</Typography.Text>;
  if (test.isError) return <ErrorNotice error={test.error} />;
  if (!test.data) return null;
  const { ok, failedAt, error, details, durationMs } = test.data;
  if (ok) return <Alert type="success" showIcon role="status" title={t('testOk', { time: format.number(Math.round(durationMs / 100) / 10) })} />;
  const title = failedAt === null ? (error ?? '') : t('testFailed', { step: t(steps[failedAt]), error: error ?? '' });
  return <Alert type="error" showIcon role="alert" title={title} description={details ? <Technical text={details} /> : undefined} />;
}

function DestinationRow({ destination, test, onTest, onEdit }: { destination: Destination; test: ReturnType<typeof useTest> | null; onTest: () => void; onEdit: () => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const { modal } = App.useApp();
  const { act, busy } = useAct();
  const { id, name, kind, address, problem, lastOkAt, lastErrorAt, lastError } = destination;
  const isFailing = lastErrorAt !== null && (lastOkAt === null || lastErrorAt > lastOkAt);
  const remove = () => void modal.confirm({
    title: t('removeDestination', { name }), content: t('removeDestinationText'), okText: t('remove'), okButtonProps: { danger: true }, cancelText: t('cancel'),
    onOk: async () => {
      await act('delete', () => api.DELETE('/api/admin/backup-destinations/{id}', idPath(id)), t('removedDestination', { name }));
    },
  });
  return (
    <li className="backup-row">
      <div className="backup-text"><strong>{name}</strong> <Tag>{isKind(kind) ? t(kinds[kind].label) : kind}</Tag></div>
      <div className="technical">{address}</div>
      <div className="backup-text">
        {problem !== null && <Alert type="error" showIcon title={words.error(problem)} />}
        {problem === null && isFailing && <Alert type="warning" showIcon title={t('destinationFailing', { name, ago: format.ago(lastErrorAt) })} description={lastError ? <Technical text={lastError} /> : undefined} />}
        {!isFailing && lastOkAt !== null && <Typography.Text type="secondary">{t('lastOk', { ago: format.ago(lastOkAt) })}</Typography.Text>}
        {test && <TestOutcome test={test} />}
      </div>
      <Flex gap="small" wrap>
        <Button size="small" autoInsertSpace={false} aria-label={t('testOf', { name })} loading={test?.isPending ?? false} onClick={onTest}>{t('test')}</Button>
        <Button size="small" autoInsertSpace={false} aria-label={t('scanOf', { name })} loading={busy === 'scan'} onClick={() => void act('scan', () => api.POST('/api/admin/backup-destinations/{id}/scan', idPath(id)), t('queued'))}>{t('scan')}</Button>
        <Button size="small" autoInsertSpace={false} aria-label={t('editOf', { name })} onClick={onEdit}>{t('edit')}</Button>
        <Button size="small" autoInsertSpace={false} danger aria-label={t('removeOf', { name })} onClick={remove}>{t('remove')}</Button>
      </Flex>
    </li>
  );
}

export function DestinationList() {
  const t = useTexts(texts);
  const destinations = useDestinations();
  const test = useTest();
  const { mutate } = test;
  const [editing, setEditing] = useState<Destination | 'new' | null>(null);
  const saved = useCallback((id: number) => { setEditing(null); mutate(id); }, [mutate]);
  if (destinations.isError) return <ErrorNotice error={destinations.error} onRetry={() => void destinations.refetch()} />;
  if (!destinations.data) return <Loading />;
  return (
    <Flex vertical gap="small">
      <Button className="start" icon={<PlusOutlined />} onClick={() => setEditing('new')}>{t('addDestination')}</Button>
      {destinations.data.length === 0 && <Nothing what={t('noDestinations')} />}
      <ul className="backup-rows" aria-label={t('destinations')}>
        {destinations.data.map((destination) => (
          <DestinationRow key={destination.id} destination={destination} test={test.variables === destination.id ? test : null} onTest={() => mutate(destination.id)} onEdit={() => setEditing(destination)} />
        ))}
      </ul>
      {editing && <DestinationForm destination={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onSaved={saved} />}
    </Flex>
  );
}
