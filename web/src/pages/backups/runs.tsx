// Runs: what is under way, with its progress and its end, and the log of those that have ended, in words.

import { Alert, Button, Card, Collapse, Flex, Progress, Typography } from 'antd';
import { api } from '../../api/client';
import { ErrorNotice, Loading, Nothing, Technical } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useAct } from './actions';
import { idPath, isActive, useDestinations, useRun, type Run } from './queries';
import { texts } from './texts';
import { RunTag, useWords } from './words';

type Line = NonNullable<Run['log']>[number] & Record<string, unknown>;

const text = (value: unknown) => (typeof value === 'string' ? value : '');
const number = (value: unknown) => (typeof value === 'number' ? value : 0);

function useLineText() {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const destinations = useDestinations().data ?? [];
  return (line: Line): string => {
    const seconds = format.number(Math.round(number(line.seconds) * 10) / 10);
    const place = text(line.destination) || (destinations.find(({ id }) => id === line.destinationId)?.name ?? String(line.destinationId ?? ''));
    const name = text(line.name);
    switch (line.event) {
      case 'exported': return t('logExported', { name, size: format.bytes(number(line.bytes)), rows: format.number(number(line.rows)) });
      case 'stored': return t('logStored', { destination: place, seconds });
      case 'try_failed': return t('logTryFailed', { try: number(line.try), reason: words.error(text(line.errorCode)), next: number(line.nextInSeconds) });
      case 'destination_failed': return t('logDestinationFailed', { destination: place, reason: words.error(text(line.errorCode)) });
      case 'deleted': return t('logDeleted', { destination: place, name });
      case 'locked': return t('logLocked', { destination: place, name });
      case 'restored': return t('logRestored', { tables: number(line.tables), rows: format.number(number(line.rows)), seconds });
      case 'proven': return t('logProven', { destination: place, name, how: words.proof(text(line.proof)) });
      case 'scanned': return t('logScanned', { destination: place, found: number(line.found) });
      case 'warning': return t('logWarning');
      default: return t('logOther', { event: line.event });
    }
  };
}

function RunLog({ run }: { run: Run }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const lineText = useLineText();
  const found = useRun(run.id, isActive(run));
  if (found.isError) return <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <Loading rows={2} />;
  const log = (found.data.log ?? []) as Line[];
  return (
    <Flex vertical gap="small">
      {run.state === 'failed' && <Alert type="error" showIcon title={words.error(run.errorCode)} description={run.message ? <Technical text={run.message} /> : undefined} />}
      <Typography.Text type="secondary">{run.askedBy === 'schedule' ? t('askedBySchedule') : t('askedBy', { who: run.askedBy })}</Typography.Text>
      {log.length === 0 ? <Typography.Text type="secondary">{t('noLog')}</Typography.Text> : (
        <ol className="backup-log" aria-label={t('log')}>
          {log.map((line, place) => (
            <li key={place} className="backup-text">
              <Typography.Text type="secondary" className="numbers">{format.dateTime(line.at)}</Typography.Text> {lineText(line)}
              {(text(line.message) || text(line.text)) && <Technical text={text(line.message) || text(line.text)} />}
            </li>
          ))}
        </ol>
      )}
    </Flex>
  );
}

function RunLabel({ run }: { run: Run }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const took = run.startedAt !== null && run.endedAt !== null ? t('took', { time: format.duration((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000) }) : null;
  const facts = [format.dateTime(run.createdAt), run.bytes === null ? null : format.bytes(run.bytes), took];
  return (
    <Flex vertical className="backup-text">
      <span><RunTag state={run.state} />{words.kind(run.kind)}{run.job === null ? '' : ` · ${run.job}`}</span>
      <Typography.Text type="secondary" className="numbers">{facts.filter((fact) => fact !== null).join(' · ')}</Typography.Text>
    </Flex>
  );
}

export function RunList({ runs }: { runs: Run[] }) {
  const t = useTexts(texts);
  if (runs.length === 0) return <Nothing what={t('noRuns')} />;
  return <Collapse ghost size="small" destroyOnHidden items={runs.map((run) => ({ key: run.id, label: <RunLabel run={run} />, children: <RunLog run={run} /> }))} />;
}

// One that is under way.
function ActiveRun({ run }: { run: Run }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const { act, busy } = useAct();
  const { done, total } = run.progress ?? { done: 0, total: 0 };
  const isBytes = run.progress !== null && ['upload', 'fetch', 'encrypt'].includes(run.progress.phase);
  const amount = (value: number) => (isBytes ? format.bytes(value) : format.number(value));
  return (
    <div>
      <Flex justify="space-between" align="center" gap="small" wrap>
        <span><RunTag state={run.state} />{words.kind(run.kind)}{run.job === null ? '' : ` · ${run.job}`}</span>
        <Button size="small" loading={busy !== null} onClick={() => void act('cancel', () => api.POST('/api/admin/backup-runs/{id}/cancel', idPath(run.id)))}>{t('cancelRun')}</Button>
      </Flex>
      <Progress percent={total > 0 ? Math.min(100, Math.floor((done / total) * 100)) : 0} showInfo={total > 0} status="active" aria-label={words.phase(run)} />
      <Typography.Text type="secondary" className="numbers">{words.phase(run)}{total > 0 && done > 0 && ` · ${t('fetchText', { n: amount(done), total: amount(total) })}`}</Typography.Text>
    </div>
  );
}

export function ActiveRuns({ runs }: { runs: Run[] }) {
  const t = useTexts(texts);
  const active = runs.filter(isActive).reverse();
  if (active.length === 0) return null;
  return (
    <Card title={<h2 className="card-title">{t('runRunning')}</h2>}>
      <Flex vertical gap="middle">{active.map((run) => <ActiveRun key={run.id} run={run} />)}</Flex>
    </Card>
  );
}
