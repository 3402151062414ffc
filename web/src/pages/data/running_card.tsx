// Operations of this service that others, or another window, started. They can be watched, not changed.

import { Card, Flex } from 'antd';
import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import type { ProgressEvent } from '../../api/events';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { isOwnOperation } from '../../lib/own_operations';
import { useEventRun } from '../../lib/use_event_run';
import { OperationProgress } from './progress';
import { statusKey, useStatus } from './queries';
import { texts } from './texts';

type Operation = Schemas['RunningOperation'];

function Watched({ operation }: { operation: Operation }) {
  const t = useTexts(texts);
  const format = useFormat();
  const queries = useQueryClient();
  const { run, follow } = useEventRun<ProgressEvent>();
  useEffect(() => void follow({ url: `/api/admin/database/operations/${operation.id}/events` }), [follow, operation.id]);
  useEffect(() => {
    if (run.state === 'ended') void queries.invalidateQueries({ queryKey: statusKey });
  }, [queries, run.state]);
  return (
    <OperationProgress
      title={t(operation.operation)} event={run.latest ?? (operation.progress as ProgressEvent | null)} startedAt={new Date(operation.since).getTime()}
      note={t('by', { holder: operation.holder ?? t('unknown'), since: format.dateTime(operation.since) })}
    />
  );
}

// `own`: kinds of operations that the page is starting and shows elsewhere, until their ids are known.
export function RunningCard({ own }: { own: string[] }) {
  const t = useTexts(texts);
  const status = useStatus();
  const others = status.data?.running.filter(({ id, operation }) => !own.includes(operation) && !isOwnOperation(id)) ?? [];
  if (others.length === 0) return null;
  return (
    <Card title={<h2 className="card-title">{t('running')}</h2>}>
      <Flex vertical gap="middle">{others.map((operation) => <Watched key={operation.id} operation={operation} />)}</Flex>
    </Card>
  );
}
