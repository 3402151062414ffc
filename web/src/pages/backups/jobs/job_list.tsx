// The jobs: switch, run, edit.

import { DownOutlined, PlusOutlined } from '@ant-design/icons';
import { App, Button, Dropdown, Flex, Switch, Tooltip, Typography } from 'antd';
import { useState } from 'react';
import { api } from '../../../api/client';
import { ErrorNotice, Loading, Nothing } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useLanguage, useTexts } from '../../../i18n/language';
import { useAct } from '../actions';
import { JobForm } from './job_form';
import { idPath, useDestinations, useJobs, type Destination, type Job } from '../queries';
import { clock, scheduleOf, weekdays } from './schedule';
import { NextTimes } from './schedule_fields';
import { texts } from '../texts';
import { useWords } from '../words';

function useJobWords(destinations: Destination[]) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const { language } = useLanguage();
  const contents = { full: t('contentsFull'), 'no-logs': t('contentsNoLogs'), 'ledger-only': t('contentsLedger') };
  return {
    when({ settings }: Job) {
      const schedule = scheduleOf(settings.schedule);
      const text = { hourly: `${t('hourly')} (:${String(schedule.minute).padStart(2, '0')})`, daily: `${t('daily')} ${clock(schedule)}`, weekly: `${t('weekly')}, ${weekdays(language)[schedule.weekday]} ${clock(schedule)}`, monthly: t('monthlyOn', { day: schedule.day, time: clock(schedule) }), cron: settings.schedule }[schedule.kind];
      return settings.timeZone === '' ? text : `${text} (${settings.timeZone})`;
    },
    what({ settings }: Job) {
      const names = settings.destinations.map((id) => destinations.find((destination) => destination.id === id)?.name ?? String(id));
      return [contents[settings.contents], t('jobTo', { destinations: format.list(names) }), settings.recipients.length > 0 ? t('jobEncrypted', { n: settings.recipients.length }) : t('jobPlain')].join(' · ');
    },
    keeps({ settings }: Job) {
      const { verifyDays: verify, drillDays: drill } = settings;
      const proof = verify > 0 && drill > 0 ? t('jobProof', { verify, drill }) : verify > 0 ? t('jobProofRead', { verify }) : drill > 0 ? t('jobProofDrill', { drill }) : t('jobNoProof');
      return `${t('jobKeeps', { rules: words.retention(settings) })} · ${proof}`;
    },
  };
}

function JobRow({ job, destinations, onEdit }: { job: Job; destinations: Destination[]; onEdit: () => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const { modal } = App.useApp();
  const { act, busy } = useAct();
  const words = useJobWords(destinations);
  const { id, name, isEnabled, nextTimes } = job;
  const remove = () => void modal.confirm({
    title: t('removeJob', { name }), content: t('removeJobText'), okText: t('remove'), okButtonProps: { danger: true }, cancelText: t('cancel'),
    onOk: async () => {
      await act('delete', () => api.DELETE('/api/admin/backup-jobs/{id}', idPath(id)), t('removedJob', { name }));
    },
  });
  const items = [
    { key: 'prune', label: t('prune'), onClick: () => void act('prune', () => api.POST('/api/admin/backup-jobs/{id}/prune', idPath(id)), t('queued')) },
    { key: 'delete', label: t('remove'), danger: true, onClick: remove },
  ];
  return (
    <li className="backup-row">
      <div className="backup-text">
        <Flex gap="small" align="center">
          <Switch size="small" aria-label={t('isOn', { name })} checked={isEnabled} loading={busy === 'switch'} onChange={(next) => void act('switch', () => api.PATCH('/api/admin/backup-jobs/{id}', { ...idPath(id), body: { isEnabled: next } }))} />
          <strong>{name}</strong>
        </Flex>
        <div>{words.when(job)}</div>
        <Typography.Text type="secondary">{t('fact', { name: t('lastGood') })}{job.lastGoodAt === null ? t('never') : format.ago(job.lastGoodAt)}</Typography.Text>
      </div>
      <div className="backup-text">
        {isEnabled && nextTimes[0] !== undefined && (
          <details><summary>{t('fact', { name: t('next') })}<Tooltip title={format.dateTime(nextTimes[0])}><span>{format.ago(nextTimes[0])}</span></Tooltip></summary><NextTimes times={nextTimes} /></details>
        )}
        {!isEnabled && <Typography.Text type="secondary">{t('off')}</Typography.Text>}
      </div>
      <div className="backup-text"><div>{words.what(job)}</div><Typography.Text type="secondary">{words.keeps(job)}</Typography.Text></div>
      <Flex gap="small" wrap>
        <Button size="small" autoInsertSpace={false} aria-label={t('runNowOf', { name })} loading={busy === 'run'} onClick={() => void act('run', () => api.POST('/api/admin/backup-jobs/{id}/run', idPath(id)), t('queued'))}>{t('runNow')}</Button>
        <Button size="small" autoInsertSpace={false} aria-label={t('editOf', { name })} onClick={onEdit}>{t('edit')}</Button>
        <Dropdown trigger={['click']} menu={{ items }}><Button size="small" autoInsertSpace={false} aria-label={t('moreOf', { name })}>{t('more')} <DownOutlined /></Button></Dropdown>
      </Flex>
    </li>
  );
}

export function JobList() {
  const t = useTexts(texts);
  const jobs = useJobs(), destinations = useDestinations();
  const [editing, setEditing] = useState<Job | 'new' | null>(null);
  const failed = [jobs, destinations].find(({ isError }) => isError);
  if (failed) return <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!jobs.data || !destinations.data) return <Loading />;
  return (
    <Flex vertical gap="small">
      <Button className="start" icon={<PlusOutlined />} onClick={() => setEditing('new')}>{t('addJob')}</Button>
      {jobs.data.length === 0 && <Nothing what={t('noNext')} />}
      <ul className="backup-rows" aria-label={t('jobs')}>
        {jobs.data.map((job) => <JobRow key={job.id} job={job} destinations={destinations.data} onEdit={() => setEditing(job)} />)}
      </ul>
      {editing && <JobForm job={editing === 'new' ? null : editing} destinations={destinations.data} onClose={() => setEditing(null)} />}
    </Flex>
  );
}
