// When a job runs, in plain words, with its next times as the service computes them.

import { useQuery } from '@tanstack/react-query';
import { Form, Input, InputNumber, Radio, Select, Typography } from 'antd';
import { useDeferredValue } from 'react';
import { api, dataOf } from '../../../api/client';
import { ErrorNotice } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useLanguage, useTexts } from '../../../i18n/language';
import { backupsKey, type JobSettings } from '../queries';
import { clock, weekdays, type Schedule } from './schedule';
import { texts } from '../texts';

const zones = Intl.supportedValuesOf('timeZone');

export function NextTimes({ times }: { times: string[] }) {
  const format = useFormat();
  return <ol className="backup-log numbers">{times.map((time) => <li key={time}><time dateTime={time}>{format.dateTime(time)}</time></li>)}</ol>;
}

function Meaning({ settings }: { settings: JobSettings }) {
  const t = useTexts(texts);
  const { schedule, timeZone, destinations } = settings; // what else is wrong is said when it is saved
  const asked = useDeferredValue(JSON.stringify({ schedule, timeZone, destinations }));
  const { data, error } = useQuery({
    queryKey: [...backupsKey, 'check', asked],
    queryFn: () => dataOf(api.POST('/api/admin/backup-jobs:check', { body: JSON.parse(asked) as Partial<JobSettings> })),
    placeholderData: (before) => before, enabled: destinations.length > 0, retry: false,
  });
  if (destinations.length === 0) return null;
  if (error) return <ErrorNotice error={error} />;
  return <div><Typography.Text type="secondary">{t('nextTimes')}</Typography.Text><NextTimes times={data?.nextTimes ?? []} /></div>;
}

interface Props {
  schedule: Schedule;
  settings: JobSettings;
  onSchedule: (change: Partial<Schedule>) => void;
  onZone: (zone: string) => void;
}

export function ScheduleFields({ schedule, settings, onSchedule, onZone }: Props) {
  const t = useTexts(texts);
  const { language } = useLanguage();
  const setClock = (value: string) => {
    const [hour = NaN, minute = NaN] = value.split(':').map(Number);
    if (Number.isFinite(hour) && Number.isFinite(minute)) onSchedule({ hour, minute });
  };
  const hasClock = schedule.kind === 'daily' || schedule.kind === 'weekly' || schedule.kind === 'monthly';
  return (
    <>
      <Form.Item className="backup-field" label={t('when')}>
        <Radio.Group
          className="backup-kinds" optionType="button" value={schedule.kind} onChange={(event) => onSchedule({ kind: event.target.value as Schedule['kind'] })}
          options={[{ value: 'hourly', label: t('hourly') }, { value: 'daily', label: t('daily') }, { value: 'weekly', label: t('weekly') }, { value: 'monthly', label: t('monthly') }, { value: 'cron', label: t('ownCron') }]}
        />
      </Form.Item>
      <div className="backup-form">
        {schedule.kind === 'hourly' && (
          <Form.Item label={t('minute')} htmlFor="job-minute"><InputNumber id="job-minute" min={0} max={59} value={schedule.minute} onChange={(minute) => onSchedule({ minute: minute ?? 0 })} /></Form.Item>
        )}
        {schedule.kind === 'weekly' && (
          <Form.Item label={t('weekday')} htmlFor="job-weekday">
            <Select id="job-weekday" value={schedule.weekday} onChange={(weekday) => onSchedule({ weekday })} options={weekdays(language).map((label, value) => ({ value, label }))} />
          </Form.Item>
        )}
        {schedule.kind === 'monthly' && (
          <Form.Item label={t('day')} htmlFor="job-day" extra={schedule.day > 28 ? t('dayHint') : undefined}><InputNumber id="job-day" min={1} max={31} precision={0} value={schedule.day} onChange={(day) => onSchedule({ day: day ?? 1 })} /></Form.Item>
        )}
        {hasClock && <Form.Item label={t('time')} htmlFor="job-time"><Input id="job-time" type="time" value={clock(schedule)} onChange={(event) => setClock(event.target.value)} /></Form.Item>}
        {schedule.kind === 'cron' && (
          <Form.Item label={t('cron')} htmlFor="job-cron"><Input id="job-cron" className="code-input" value={schedule.cron} onChange={(event) => onSchedule({ cron: event.target.value })} /></Form.Item>
        )}
        <Form.Item label={t('timeZone')} htmlFor="job-zone">
          <Select id="job-zone" showSearch value={settings.timeZone} onChange={onZone} options={[{ value: '', label: t('serverZone') }, ...[...new Set([...zones, ...(settings.timeZone === '' ? [] : [settings.timeZone])])].map((zone) => ({ value: zone, label: zone }))]} />
        </Form.Item>
        <div className="backup-wide"><Meaning settings={settings} /></div>
      </div>
    </>
  );
}
