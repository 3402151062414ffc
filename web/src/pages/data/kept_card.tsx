// The databases kept from before an overwrite, which an undo can restore.

import { DeleteOutlined, RollbackOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Card, Flex, Typography } from 'antd';
import { useEffect } from 'react';
import { api, type Schemas } from '../../api/client';
import type { ProgressEvent } from '../../api/events';
import { ErrorNotice } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { BrokenStream, useEventRun } from '../../lib/use_event_run';
import { undoRun } from './applied';
import { Broken, OperationLog, OperationProgress, Outcome } from './progress';
import { useStatus } from './queries';
import { texts } from './texts';

type Kept = Schemas['KeptDatabase'];

export function KeptCard({ onBusy, onUndone }: { onBusy: (isBusy: boolean) => void; onUndone: () => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const queries = useQueryClient();
  const { modal, message } = App.useApp();
  const kept = useStatus().data?.kept ?? [];
  const { run, follow, recall, reset } = useEventRun<ProgressEvent>(undoRun);
  const isRunning = run.state === 'running' || run.state === 'broken';
  useEffect(recall, [recall]);
  useEffect(() => onBusy(isRunning), [isRunning, onBusy]);
  useEffect(() => {
    if (run.state !== 'ended') return;
    void queries.invalidateQueries();
    const isDone = run.last?.type === 'complete' || (run.error instanceof BrokenStream && run.error.wasApplied === true);
    if (isDone) onUndone();
  }, [queries, run.state, run.last, run.error, onUndone]);

  const bringBack = ({ name }: Kept) =>
    modal.confirm({
      title: t('bringBackAsk', { name }), content: t('bringBackText'), okText: t('bringBack'),
      onOk: () => void follow({ url: `/api/admin/database/import:undo?${new URLSearchParams({ name })}`, method: 'POST' }),
    });
  const drop = ({ name }: Kept) =>
    modal.confirm({
      title: t('dropAsk', { name }), content: t('dropText'), okText: t('drop1'), okButtonProps: { danger: true },
      onOk: async () => {
        try {
          await api.DELETE('/api/admin/database/import:undo', { params: { query: { name } } });
        } catch (error) {
          void message.error(error instanceof Error ? error.message : String(error));
        }
        await queries.invalidateQueries();
      },
    });

  if (kept.length === 0 && run.state === 'idle') return null;
  return (
    <Card title={<h2 className="card-title">{t('kept')}</h2>}>
      <Flex vertical gap="middle">
        {kept.map((one) => (
          <Flex key={one.name} justify="space-between" align="center" gap="small" wrap>
            <div>
              <Typography.Text code>{one.name}</Typography.Text>
              <div>
                {t('keptText', {
                  reason: t(one.reason === 'undo' ? 'reasonUndo' : 'reasonImport'), size: format.bytes(one.sizeBytes),
                  until: one.expiresAt ? format.dateTime(one.expiresAt) : '–',
                })}
              </div>
            </div>
            <Flex gap="small">
              <Button icon={<RollbackOutlined />} disabled={isRunning} onClick={() => bringBack(one)}>{t('bringBack')}</Button>
              <Button danger icon={<DeleteOutlined />} disabled={isRunning} onClick={() => drop(one)}>{t('drop1')}</Button>
            </Flex>
          </Flex>
        ))}
        {isRunning && <OperationProgress title={t('undoing')} event={run.latest} startedAt={run.startedAt} note={run.state === 'broken' ? t('broken') : undefined} />}
        {run.state === 'ended' && (
          <>
            {run.last?.type === 'complete' ? <Outcome type="success" title={t('undone')} />
              : run.last ? <Outcome type="error" title={t('undoFailed')} details={run.last.message} />
                : run.error instanceof BrokenStream ? <Broken wasApplied={run.error.wasApplied} applied={t('undone')} unchanged={t('undoFailed')} /> : <ErrorNotice error={run.error} />}
            <OperationLog log={run.log} />
            <Button onClick={reset} className="start">{t('close')}</Button>
          </>
        )}
      </Flex>
    </Card>
  );
}
