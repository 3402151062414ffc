// Is my data safe? The newest good backup, its proof, the next one, and in words what is wrong.

import { Alert, Button, Card, Descriptions, Flex, Tooltip } from 'antd';
import { api } from '../../api/client';
import { ErrorNotice, Loading, Technical } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useAct } from './actions';
import type { Channel } from './messages/queries';
import { FailingChannels, NobodyTold, useFailingChannels } from './messages/told';
import { idPath, isGood, useDestinations, useJobs, useNewest, type Backup, type Destination, type Job, type Run } from './queries';
import { texts } from './texts';
import { TimeLine } from './timeline';
import { useWords } from './words';

interface Known {
  jobs: Job[];
  destinations: Destination[];
  newest: Backup[];
  runs: Run[];
  unheard: Channel[]; // messages over them do not arrive
}

// More than twice the time between two runs.
function isLate({ isEnabled, lastGoodAt, nextTimes }: Job): boolean {
  const [first, second] = nextTimes;
  if (!isEnabled || lastGoodAt === null || first === undefined || second === undefined) return false;
  return Date.now() - Date.parse(lastGoodAt) > 2 * (Date.parse(second) - Date.parse(first));
}

const newestTime = (times: (string | null)[]) => times.reduce<string | null>((best, time) => (time !== null && (best === null || time > best) ? time : best), null);

function judge({ jobs, newest, runs, destinations, unheard }: Known) {
  const enabled = jobs.filter(({ isEnabled }) => isEnabled);
  const lastGood = newestTime([...jobs.map(({ lastGoodAt }) => lastGoodAt), ...newest.filter(isGood).map(({ madeAt }) => madeAt)]);
  const proven = newest.filter(({ state, provenAt }) => state === 'proven' && provenAt !== null).sort((a, b) => (a.provenAt! < b.provenAt! ? 1 : -1))[0];
  const measured = newest.find(({ recoveryMs, state }) => recoveryMs !== null && state === 'proven')?.recoveryMs ?? runs.find(({ recoveryMs }) => recoveryMs !== null)?.recoveryMs ?? null;
  const next = enabled.flatMap(({ name, nextTimes }) => (nextTimes[0] === undefined ? [] : [{ name, at: nextTimes[0] }])).sort((a, b) => (a.at < b.at ? -1 : 1))[0];
  const failed = enabled.flatMap((job) => {
    const last = runs.find((run) => run.kind === 'backup' && run.job === job.name && run.endedAt !== null);
    return last?.state === 'failed' ? [last] : [];
  });
  return {
    lastGood, proven, measured, next, failed, late: enabled.filter(isLate), offered: enabled.length === 0 ? jobs.find(({ isOffered }) => isOffered) : undefined,
    allOff: enabled.length === 0, lacking: enabled.filter(({ lastGoodAt }) => lastGoodAt === null),
    lost: newest.filter(({ state }) => state === 'damaged' || state === 'missing').length,
    unheard,
    unusable: destinations.filter(({ problem }) => problem !== null),
    failing: destinations.filter(({ problem, lastErrorAt, lastOkAt }) => problem === null && lastErrorAt !== null && (lastOkAt === null || lastErrorAt > lastOkAt)),
  };
}

type Judgement = ReturnType<typeof judge>;

function verdict({ lastGood, proven, failed, late, allOff, lost, unusable, failing, lacking, unheard }: Judgement): ['success' | 'warning' | 'error', keyof typeof texts] {
  if (lastGood === null) return ['error', 'unsafe'];
  if (late.length > 0) return ['error', 'unsafeOld'];
  if (failed.length + lost + unusable.length + failing.length + lacking.length + unheard.length > 0 || allOff) return ['warning', 'withProblems'];
  return proven ? ['success', 'safe'] : ['warning', 'safeUnproven'];
}

function Problems({ found, destinations }: { found: Judgement; destinations: Destination[] }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const { act, busy } = useAct();
  const { offered } = found;
  const places = offered?.settings.destinations.map((id) => destinations.find((destination) => destination.id === id)?.name ?? String(id)) ?? [];
  const enable = (job: Job) => act('enable', () => api.PATCH('/api/admin/backup-jobs/{id}', { ...idPath(job.id), body: { isEnabled: true } }));
  const run = (job: Job) => act(job.name, () => api.POST('/api/admin/backup-jobs/{id}/run', idPath(job.id)), t('queued'));
  return (
    <>
      {offered && (
        <Alert
          type="warning" showIcon title={t('nothingYet')} description={t('offered', { job: offered.name, destination: format.list(places) })}
          action={<Button type="primary" loading={busy === 'enable'} onClick={() => void enable(offered)}>{t('backUpDaily')}</Button>}
        />
      )}
      {found.allOff && !offered && <Alert type="warning" showIcon title={t('allOff')} />}
      {found.failed.map((failed) => (
        <Alert
          key={failed.id} type="error" showIcon
          title={<>{t('failedRun', { job: failed.job ?? '', ago: format.ago(failed.endedAt!), reason: words.error(failed.errorCode) })}{failed.message && <Technical text={failed.message} />}</>}
        />
      ))}
      {found.late.map((job) => <Alert key={job.id} type="error" showIcon title={t('late', { job: job.name, ago: format.ago(job.lastGoodAt!) })} />)}
      {found.lacking.map((job) => (
        <Alert
          key={job.id} type="warning" showIcon title={t('noGood', { job: job.name })}
          action={<Button autoInsertSpace={false} loading={busy === job.name} aria-label={t('runNowOf', { name: job.name })} onClick={() => void run(job)}>{t('runNow')}</Button>}
        />
      ))}
      {found.lost > 0 && <Alert type="warning" showIcon title={t('lostBackups', { n: found.lost })} />}
      {found.unusable.map(({ id, name, problem }) => <Alert key={id} type="error" showIcon title={t('destinationProblem', { name, reason: words.error(problem) })} />)}
      {found.failing.map(({ id, name, lastErrorAt, lastError }) => (
        <Alert key={id} type="warning" showIcon title={<>{t('destinationFailing', { name, ago: format.ago(lastErrorAt!) })}{lastError && <Technical text={lastError} />}</>} />
      ))}
      <FailingChannels channels={found.unheard} />
    </>
  );
}

export function SafetyCard({ runs }: { runs: Run[] | undefined }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const jobs = useJobs(), destinations = useDestinations(), newest = useNewest();
  const unheard = useFailingChannels();
  const failed = [jobs, destinations, newest].find(({ isError }) => isError);
  const content = () => {
    if (failed) return <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />;
    if (!jobs.data || !destinations.data || !newest.data || !runs) return <Loading rows={3} />;
    const found = judge({ jobs: jobs.data, destinations: destinations.data, newest: newest.data, runs, unheard });
    const [type, text] = verdict(found);
    const { lastGood, proven, measured, next } = found;
    return (
      <Flex vertical gap="middle">
        <Alert type={type} showIcon role="status" title={t(text)} />
        <Problems found={found} destinations={destinations.data} />
        <Descriptions
          size="small" column={{ xs: 1, sm: 2 }} className="facts" colon={false}
          items={[
            { label: t('fact', { name: t('lastGood') }), children: lastGood === null ? t('never') : <Tooltip title={format.dateTime(lastGood)}><time dateTime={lastGood}>{format.ago(lastGood)}</time></Tooltip> },
            { label: t('fact', { name: t('proven') }), children: proven ? t('provenText', { ago: format.ago(proven.provenAt!), how: words.proof(proven.proof) }) : t('never') },
            { label: t('fact', { name: t('recovery') }), children: measured === null ? t('notMeasured') : format.duration(Math.max(1, measured / 1000)) },
            { label: t('fact', { name: t('next') }), children: next ? <Tooltip title={format.dateTime(next.at)}>{t('nextText', { ago: format.ago(next.at), job: next.name })}</Tooltip> : t('noNext') },
          ]}
        />
        <NobodyTold />
        <TimeLine newest={newest.data} />
      </Flex>
    );
  };
  return <Card title={<h2 className="card-title">{t('safety')}</h2>}>{content()}</Card>;
}

// For other pages: one line, and the way here.
export function useSafetyLine() {
  const jobs = useJobs().data;
  return jobs && { lastGood: newestTime(jobs.map(({ lastGoodAt }) => lastGoodAt)), isLate: jobs.some(isLate) };
}
