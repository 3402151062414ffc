// A job in plain words: when, what, where, how long, for whom, how it is proven.

import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Checkbox, Drawer, Flex, Form, Input, InputNumber, Select } from 'antd';
import { useState } from 'react';
import { api } from '../../../api/client';
import { ErrorNotice } from '../../../components/page';
import { useTexts } from '../../../i18n/language';
import { AdvancedFields, isAdvanced } from './advanced_fields';
import { Consequences } from './consequences';
import { Counts, type Rule } from './counts';
import { EncryptionFields, recipientsOf, type Encryption } from './encryption_fields';
import { backupsKey, idPath, type Destination, type Job, type JobSettings } from '../queries';
import { cronOf, scheduleOf } from './schedule';
import { ScheduleFields } from './schedule_fields';
import { texts } from '../texts';

const defaults: JobSettings = {
  schedule: '0 4 * * *', timeZone: '', contents: 'full', excludedTables: [], compression: 'balanced', destinations: [], recipients: [],
  retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 0, withinHours: 0, minimum: 1 },
  verifyDays: 7, drillDays: 0, waitSeconds: 3600, limitSeconds: 6 * 3600, tries: 3,
};
const rules: Rule[] = [['daily', 'keepDaily'], ['weekly', 'keepWeekly'], ['monthly', 'keepMonthly']];

// `job` null: a new one.
export function JobForm({ job, destinations, onClose }: { job: Job | null; destinations: Destination[]; onClose: () => void }) {
  const t = useTexts(texts);
  const queries = useQueryClient();
  const { message } = App.useApp();
  const before = job?.settings ?? { ...defaults, destinations: [...destinations].sort((a, b) => b.id - a.id).slice(0, 1).map(({ id }) => id) }; // the newest one
  const [name, setName] = useState(job?.name ?? '');
  const [isEnabled, setEnabled] = useState(job?.isEnabled ?? true);
  const [given, setGiven] = useState(before);
  const [schedule, setSchedule] = useState(() => scheduleOf(before.schedule));
  const [encryption, setEncryption] = useState<Encryption>({ isOn: before.recipients.length > 0, recipients: before.recipients.join('\n'), made: null, isKept: false });
  const [error, setError] = useState<unknown>(null);
  const [isSaving, setSaving] = useState(false);
  const set = (change: Partial<JobSettings>) => setGiven((old) => ({ ...old, ...change }));
  const settings = { ...given, schedule: cronOf(schedule), recipients: recipientsOf(encryption) };
  const missing = encryption.isOn && settings.recipients.length === 0 ? t('keyNone')
    : encryption.isOn && encryption.made && settings.recipients.includes(encryption.made.publicKey) && !encryption.isKept ? t('keyFirst')
      : settings.destinations.length === 0 ? t('noDestination') : null;
  const save = async () => {
    setSaving(true);
    setError(null);
    try {
      if (job) await api.PATCH('/api/admin/backup-jobs/{id}', { ...idPath(job.id), body: { isEnabled, settings } });
      else await api.POST('/api/admin/backup-jobs', { body: { name: name.trim(), isEnabled, settings } });
      await queries.invalidateQueries({ queryKey: backupsKey });
      void message.success(t('savedJob', { name: job?.name ?? name }));
      onClose();
    } catch (problem) {
      setError(problem);
      setSaving(false);
    }
  };
  return (
    <Drawer open size={640} title={job ? t('editJob', { name: job.name }) : t('addJob')} onClose={onClose} mask={{ closable: false }}
      footer={<Flex vertical gap="small">
        {error !== null && <ErrorNotice error={error} />}
        {missing && <Alert type="info" showIcon title={missing} />}
        <Flex gap="small"><Button type="primary" loading={isSaving} disabled={missing !== null || (!job && name.trim() === '')} onClick={() => void save()}>{t('save')}</Button><Button onClick={onClose}>{t('cancel')}</Button></Flex>
      </Flex>}
    >
      <Form layout="vertical">
        {!job && (
          <Form.Item className="backup-field" label={t('jobName')} extra={t('jobNameHint')} htmlFor="job-name">
            <Input id="job-name" maxLength={32} value={name} onChange={(event) => setName(event.target.value)} />
          </Form.Item>
        )}
        <ScheduleFields schedule={schedule} settings={settings} onSchedule={(change) => setSchedule((old) => ({ ...old, ...(change.kind === 'cron' && old.kind !== 'cron' ? { cron: cronOf(old) } : {}), ...change }))} onZone={(timeZone) => set({ timeZone })} />
        <Form.Item className="backup-field" label={t('where')} extra={t('whereHint')} htmlFor="job-where">
          <Select id="job-where" mode="multiple" value={settings.destinations} onChange={(value) => set({ destinations: value })} options={destinations.map(({ id, name: label }) => ({ value: id, label }))} />
        </Form.Item>
        <div className="backup-form">
          <Form.Item label={t('what')} htmlFor="job-contents">
            <Select id="job-contents" value={settings.contents} popupMatchSelectWidth={false} onChange={(contents) => set({ contents })}
              options={[{ value: 'full', label: t('contentsFull') }, { value: 'no-logs', label: t('contentsNoLogs') }, { value: 'ledger-only', label: t('contentsLedger') }]} />
          </Form.Item>
        </div>
        <EncryptionFields value={encryption} onChange={(change) => setEncryption((old) => ({ ...old, ...change }))} />
        <h3 className="part-title backup-section">{t('howLong')}</h3>
        <Counts rules={rules} retention={settings.retention} onChange={(retention) => set({ retention })} />
        <h3 className="part-title backup-section">{t('proof')}</h3>
        <div className="backup-form">
          <Form.Item label={t('verifyDays')} htmlFor="job-verify"><InputNumber id="job-verify" min={0} max={3660} precision={0} value={settings.verifyDays} onChange={(value) => set({ verifyDays: value ?? 0 })} /></Form.Item>
          <Form.Item label={t('drillDays')} htmlFor="job-drill"><InputNumber id="job-drill" min={0} max={3660} precision={0} value={settings.drillDays} onChange={(value) => set({ drillDays: value ?? 0 })} /></Form.Item>
        </div>
        <AdvancedFields settings={settings} isOpen={isAdvanced(before, defaults)} onChange={set} />
        <Consequences settings={settings} before={job?.settings ?? null} />
        <Checkbox checked={isEnabled} onChange={(event) => setEnabled(event.target.checked)}>{t('enableNow')}</Checkbox>
      </Form>
    </Drawer>
  );
}
