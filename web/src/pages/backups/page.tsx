// Scheduled backups: whether the data is safe, the stored backups, and what makes them.

import { Card, Tabs } from 'antd';
import { ErrorNotice, Loading, Page } from '../../components/page';
import { useTexts } from '../../i18n/language';
import { useUrlState } from '../../lib/use_url_state';
import './backups.css';
import { DestinationList } from './destinations/destination_list';
import { JobList } from './jobs/job_list';
import { BackupList } from './list';
import { Messages } from './messages/messages';
import { useRuns } from './queries';
import { ActiveRuns, RunList } from './runs';
import { SafetyCard } from './safety';
import { texts } from './texts';

export default function BackupsPage() {
  const t = useTexts(texts);
  const [{ tab }, setState] = useUrlState({ tab: 'backups' });
  const runs = useRuns();
  const items = [
    { key: 'backups', label: t('backups'), children: <BackupList /> },
    { key: 'jobs', label: t('jobs'), children: <JobList /> },
    { key: 'destinations', label: t('destinations'), children: <DestinationList /> },
    { key: 'messages', label: t('messages'), children: <Messages /> },
    { key: 'runs', label: t('runs'), children: runs.data ? <RunList runs={runs.data} /> : <Loading /> },
  ];
  return (
    <Page title={t('title')} subtitle={t('subtitle')}>
      {runs.isError && <ErrorNotice error={runs.error} onRetry={() => void runs.refetch()} />}
      <SafetyCard runs={runs.data} />
      {runs.data && <ActiveRuns runs={runs.data} />}
      <Card><Tabs className="backup-tabs" activeKey={tab} onChange={(key) => setState({ tab: key })} items={items} destroyOnHidden /></Card>
    </Page>
  );
}
