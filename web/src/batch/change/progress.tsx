// The progress of batches; after a failure or a stop, which rows are done and which are not.

import { Alert, Button, Progress, Space } from 'antd';
import { ErrorNotice } from '../../components/page';
import type { Outcome } from './run';
import type { Runner } from './use_apply';
import { useBatchTexts } from '../use_batch_texts';

export function BatchProgress({ runner, outcome, onRetry, onUndo }: { runner: Runner; outcome: Outcome; onRetry: () => void; onUndo: () => void }) {
  const { t, n } = useBatchTexts();
  const done = outcome.doneIds.length;
  const rest = outcome.total - done;
  const batch = Math.min(runner.batches, runner.batches - outcome.rest.length + 1);
  const progress = t('doneOf', { done: n(done), total: n(outcome.total) });
  return (
    <>
      <Progress
        percent={Math.round((100 * done) / Math.max(1, outcome.total))} aria-label={progress}
        status={outcome.error ? 'exception' : runner.isRunning ? 'active' : 'normal'}
      />
      <p role="status">
        {runner.isRunning && runner.batches > 1 && `${t('running', { batch: n(batch), batches: n(runner.batches) })} · `}
        {progress}
      </p>
      {runner.isRunning && runner.batches > 1 && (
        <Button onClick={runner.stop} disabled={runner.isStopping}>{t(runner.isStopping ? 'stopping' : 'stop')}</Button>
      )}
      {!runner.isRunning && rest > 0 && (
        <>
          <Alert type="warning" showIcon className="batch-alert" title={outcome.error ? t('failed', { done: n(done), rest: n(rest) }) : t('stopped', { n: n(rest) })} />
          {outcome.error && <ErrorNotice error={outcome.error} />}
          <Space wrap className="batch-after">
            <Button type="primary" onClick={onRetry}>{t('retryRest')}</Button>
            {outcome.operationIds.length > 0 && <Button onClick={onUndo}>{t('undoDone')}</Button>}
          </Space>
        </>
      )}
    </>
  );
}
