// An operation in progress: a bar, the phase, counts, the time left; warnings and the log can be unfolded.

import { Alert, Collapse, Flex, Progress, Typography } from 'antd';
import { useEffect, useState, type ReactNode } from 'react';
import type { ProgressEvent } from '../../api/events';
import { Technical } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import type { LogLine } from '../../lib/use_event_run';
import { texts } from './texts';

type Event = ProgressEvent & { archiveBytes?: number };

const phases = {
  check: 'phaseCheck', connect: 'phaseConnect', locks: 'phaseLocks', schema: 'phaseSchema', data: 'phaseData', indexes: 'phaseIndexes',
  migrate: 'phaseMigrate', commit: 'phaseCommit', swap: 'phaseSwap', done: 'phaseDone',
} as const;

// Seconds since `startedAt`, by the browser's clock.
function useElapsed(startedAt: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, (now - startedAt) / 1000);
}

const ENOUGH_PERCENT = 3; // for an estimate

function secondsLeft(event: Event | null, elapsed: number): number | null {
  if (event?.secondsLeft != null) return event.secondsLeft;
  const percent = event?.percent ?? 0;
  return percent >= ENOUGH_PERCENT && percent < 100 && elapsed >= 2 ? (elapsed * (100 - percent)) / percent : null;
}

export function OperationProgress({ title, event, startedAt, actions, note }: {
  title: string; event: Event | null; startedAt: number; actions?: ReactNode; note?: ReactNode;
}) {
  const t = useTexts(texts);
  const format = useFormat();
  const elapsed = useElapsed(startedAt);
  const left = secondsLeft(event, elapsed);
  const rows = event?.rows ? (event.rowsTotal ? t('rowsOf', { n: format.number(event.rows), total: format.number(event.rowsTotal) })
    : t('rowsDone', { n: format.number(event.rows) })) : null;
  const facts = [
    event?.phase && event.phase in phases ? t(phases[event.phase as keyof typeof phases]) : null,
    event?.table ?? null,
    rows,
    event?.upload && event.upload.bytes < event.upload.bytesTotal
      ? t('arrived', { n: format.bytes(event.upload.bytes), total: format.bytes(event.upload.bytesTotal) }) : null,
    event?.upload?.isWaiting ? t('waitsForUpload') : null,
    event?.archiveBytes ? t('archiveBytes', { n: format.bytes(event.archiveBytes) }) : null,
    t('elapsed', { time: format.duration(elapsed) }),
    left === null ? null : t('remaining', { time: format.duration(left) }),
  ].filter((fact) => fact !== null);
  return (
    <Flex vertical gap="small">
      <Flex justify="space-between" align="center" gap="small" wrap>
        <Typography.Text strong>{title}</Typography.Text>
        {actions}
      </Flex>
      <Progress percent={Math.floor(event?.percent ?? 0)} status="active" aria-label={`${title}: ${t('progress')}`} />
      <Typography.Text type="secondary" className="numbers">{facts.join(' · ')}</Typography.Text>
      {note && <Typography.Text type="secondary">{note}</Typography.Text>}
    </Flex>
  );
}

export function OperationLog({ log }: { log: LogLine[] }) {
  const t = useTexts(texts);
  const warnings = log.filter((line) => line.isWarning);
  if (log.length === 0) return null;
  const list = (lines: LogLine[]) => <pre className="log" tabIndex={0}>{lines.map((line) => line.text).join('\n')}</pre>;
  return (
    <Collapse
      size="small"
      items={[
        ...(warnings.length > 0 ? [{ key: 'warnings', label: t('warnings', { n: warnings.length }), children: list(warnings) }] : []),
        { key: 'log', label: t('rawLog', { n: log.length }), children: list(log) },
      ]}
    />
  );
}

export function Outcome({ type, title, details, children }: { type: 'success' | 'warning' | 'error' | 'info'; title: string; details?: string | undefined; children?: ReactNode }) {
  return <Alert type={type} showIcon role="status" title={title} description={(details || children) && <>{details && <Technical text={details} />}{children}</>} />;
}

// The outcome according to the database, after a stream broke off.
export function Broken({ wasApplied, applied, unchanged }: { wasApplied: boolean | null; applied: string; unchanged: string }) {
  const t = useTexts(texts);
  if (wasApplied === null) return <Outcome type="warning" title={t('unknownOutcome')} details={t('brokenUnknown')} />;
  return wasApplied ? <Outcome type="success" title={applied} details={t('brokenApplied')} /> : <Outcome type="error" title={unchanged} details={t('brokenUnchanged')} />;
}
