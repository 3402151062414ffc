// Exports: the browser downloads from a link, and the page watches the operation.

import { DownloadOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Checkbox, Flex, Select, Typography } from 'antd';
import { useEffect, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { ErrorNotice } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { OperationProgress, Outcome } from '../progress';
import { useEstimate, useStatus } from '../queries';
import { texts } from '../texts';
import { RecentExports } from './recent_exports';
import { useExport } from './use_export';

type Compression = Schemas['Compression'];

const compressions = ['fast', 'balanced', 'small', 'none', 'lz4', 'zstd'] as const satisfies readonly Compression[];

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
        {done?.warnings?.map((one) => <Alert key={one} type="warning" showIcon title={one} />)}
        {run.state === 'ended' && run.last?.type !== 'complete' && <Outcome type="error" title={t(isRefused ? 'exportRefused' : 'exportFailed')} details={run.last?.message} />}
        <h3 className="part-title">{t('history')}</h3>
        <RecentExports />
      </Flex>
    </Card>
  );
}
