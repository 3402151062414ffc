// What the settings of a job, or a change of them, mean for a restore, for what is kept, and for this server.

import { Alert } from 'antd';
import { useTexts } from '../../../i18n/language';
import type { JobSettings } from '../queries';
import { texts } from '../texts';

type Name = keyof typeof texts;

const rules = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'withinHours', 'minimum'] as const;

// `before` null: of a new job.
function consequencesOf(settings: JobSettings, before: JobSettings | null): Name[] {
  const isEncrypted = settings.recipients.length > 0, wasEncrypted = before !== null && before.recipients.length > 0;
  const found: [boolean, Name][] = [
    [settings.contents === 'no-logs', 'meansNoLogs'],
    [settings.contents === 'ledger-only', 'meansLedger'],
    [settings.excludedTables.length > 0, 'meansExcluded'],
    [settings.compression === 'lz4' || settings.compression === 'zstd', 'meansNewCompression'],
    [isEncrypted, 'meansEncrypted'],
    [before !== null && isEncrypted && !wasEncrypted, 'meansEncryptedFromNow'],
    [before !== null && wasEncrypted && !isEncrypted, 'meansPlainFromNow'],
    [before !== null && isEncrypted && before.recipients.some((key) => !settings.recipients.includes(key)), 'meansKeyGone'],
    [settings.drillDays > 0, 'meansDrill'],
    [settings.verifyDays === 0 && settings.drillDays === 0, 'meansNoProof'],
    [rules.slice(0, -1).every((rule) => settings.retention[rule] === 0), 'meansMinimumOnly'],
    [before !== null && rules.some((rule) => settings.retention[rule] < before.retention[rule]), 'meansFewer'],
    [before !== null && before.destinations.some((id) => !settings.destinations.includes(id)), 'meansLeft'],
    [settings.limitSeconds <= settings.waitSeconds, 'meansNoTime'],
  ];
  return found.filter(([is]) => is).map(([, name]) => name);
}

export function Consequences({ settings, before }: { settings: JobSettings; before: JobSettings | null }) {
  const t = useTexts(texts);
  const names = consequencesOf(settings, before);
  if (names.length === 0) return null;
  return <Alert className="backup-means" type="info" title={t('means')} description={<ul className="backup-log">{names.map((name) => <li key={name}>{t(name)}</li>)}</ul>} />;
}
