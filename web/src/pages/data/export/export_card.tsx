// Exports: the browser downloads by itself, from a link; the page watches the operation.

import { DownloadOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Checkbox, Flex, Grid, Select, Tag, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { addressOf } from '../../../api/address';
import { api, dataOf, type Schemas } from '../../../api/client';
import type { ProgressEvent } from '../../../api/events';
import { ErrorNotice, Loading, Nothing } from '../../../components/page';
import { DataTable } from '../../../components/data_table';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { addOwnOperation } from '../../../lib/own_operations';
import { randomId } from '../../../lib/random_id';
import { useEventRun } from '../../../lib/use_event_run';
import { OperationProgress, Outcome } from '../progress';
import { exportsKey, statusKey, useEstimate, useExports, useStatus } from '../queries';
import { texts } from '../texts';

type Compression = Schemas['Compression'];
type Export = Schemas['Export'];
type ExportEvent = ProgressEvent & { fileName?: string; sha256?: string; archiveBytes?: number };

const compressions = ['fast', 'balanced', 'small', 'none', 'lz4', 'zstd'] as const satisfies readonly Compression[];

const BEGIN_PATIENCE_MS = 20_000;
const BEGIN_POLL_MS = 300;

// A click on a link, as a person's: a download in the browser, nothing of which passes through the page.
function download(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// Starts a download and follows its operation, whose id is chosen here: whether it begins or is refused, its events say so.
function useExport() {
  const queries = useQueryClient();
  const { run, follow, reset } = useEventRun<ExportEvent>();
  const [state, setState] = useState<'idle' | 'waiting' | 'begun' | 'not begun'>('idle');
  const [error, setError] = useState<unknown>(null);

  const start = async (excludeLogs: boolean, compression: Compression) => {
    setError(null);
    reset();
    setState('waiting');
    const id = randomId();
    addOwnOperation(id);
    download(addressOf(`/api/admin/database/export?${new URLSearchParams({ excludeLogs: String(excludeLogs), compression, operation: id })}`));
    const until = Date.now() + BEGIN_PATIENCE_MS;
    try {
      while (Date.now() < until) {
        await sleep(BEGIN_POLL_MS);
        const { operations } = await dataOf(api.GET('/api/admin/database/operations', { params: { query: { ended: true } } }));
        if (!operations.some((operation) => operation.id === id)) continue;
        setState('begun');
        return void follow({ url: `/api/admin/database/operations/${id}/events` });
      }
      setState('not begun');
    } catch (cause) {
      setState('idle');
      setError(cause);
    }
  };
  useEffect(() => {
    if (run.state !== 'ended') return;
    void queries.invalidateQueries({ queryKey: exportsKey });
    void queries.invalidateQueries({ queryKey: statusKey });
  }, [queries, run.state]);
  return { run, state, error, start };
}

function Estimate({ excludeLogs, compression }: { excludeLogs: boolean; compression: Compression }) {
  const t = useTexts(texts);
  const format = useFormat();
  const estimate = useEstimate(excludeLogs);
  if (estimate.isError) return <ErrorNotice error={estimate.error} onRetry={() => void estimate.refetch()} />;
  const found = estimate.data?.estimates.find((one) => one.compression === compression);
  const text = found && `${t('estimate', { size: format.bytes(found.archiveBytes), time: format.duration(Math.max(1, found.seconds)) })} (${
    found.basis === 'exports' ? t('estimateBasisExports', { n: found.exports }) : t('estimateBasisUsual')})`;
  return <Typography.Text type="secondary" className="numbers">{text ?? '…'}</Typography.Text>;
}

function Recent() {
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

export function ExportCard({ onBusy }: { onBusy: (isBusy: boolean) => void }) {
  const t = useTexts(texts);
  const status = useStatus().data;
  const [excludeLogs, setExcludeLogs] = useState(false);
  const [compression, setCompression] = useState<Compression>('fast');
  const { run, state, error, start } = useExport();
  const isRunning = state === 'waiting' || run.state === 'running' || run.state === 'broken';
  const done = run.last?.type === 'complete' ? run.last : null;
  // Refused: nothing was downloaded, so there is nothing to delete.
  const isRefused = run.last?.type === 'error' && run.last.phase === undefined;
  useEffect(() => onBusy(isRunning), [isRunning, onBusy]);
  const isPossible = status?.isAvailable && status.exportProblem === null && !status.operation.running;
  return (
    <Card title={<h2 className="card-title">{t('export')}</h2>}>
      <Flex vertical gap="middle">
        <Typography.Text>{t('exportIntro')}</Typography.Text>
        {status?.isAvailable && status.exportProblem !== null && <Alert type="error" showIcon title={t('exportImpossible')} description={status.exportProblem} />}
        {status?.isAvailable && status.exportNote !== null && <Typography.Text type="secondary">{status.exportNote}</Typography.Text>}
        <Checkbox checked={excludeLogs} onChange={(event) => setExcludeLogs(event.target.checked)}>{t('excludeLogs')}</Checkbox>
        <Flex gap="small" align="center" wrap>
          <label htmlFor="compression">{t('compression')}</label>
          <Select
            id="compression" value={compression} onChange={setCompression} className="compression"
            options={compressions.filter((one) => status?.compressions.includes(one) ?? one === 'fast').map((one) => ({ value: one, label: t(one) }))}
          />
          <Estimate excludeLogs={excludeLogs} compression={compression} />
        </Flex>
        <Flex gap="small" align="center" wrap>
          <Button type="primary" icon={<DownloadOutlined />} disabled={!isPossible && !isRunning} loading={isRunning} onClick={() => void start(excludeLogs, compression)}>
            {t('download')}
          </Button>
          {status?.isAvailable && status.operation.running && !isRunning && <Typography.Text type="secondary">{t('busy')}</Typography.Text>}
          {state === 'waiting' && <Typography.Text type="secondary">{t('waiting')}</Typography.Text>}
        </Flex>
        {error !== null && <ErrorNotice error={error} />}
        {state === 'not begun' && <Alert type="warning" showIcon title={t('notBegun')} />}
        {state === 'begun' && (run.state === 'running' || run.state === 'broken') && (
          <OperationProgress title={t('export')} event={run.latest} startedAt={run.startedAt} note={t('exportCancelHint')} />
        )}
        {done && <Outcome type="success" title={t('exportDone')} details={t('exportDoneText', { file: done.fileName ?? '', sha256: done.sha256 ?? '' })} />}
        {run.state === 'ended' && run.last?.type !== 'complete' && <Outcome type="error" title={t(isRefused ? 'exportRefused' : 'exportFailed')} details={run.last?.message} />}
        <h3 className="part-title">{t('history')}</h3>
        <Recent />
      </Flex>
    </Card>
  );
}
