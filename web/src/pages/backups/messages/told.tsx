// For the top of the page: whether anybody is told of a failure, and channels whose messages do not arrive.

import { Alert, Typography } from 'antd';
import { Link } from 'react-router';
import { Technical } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { tellsOfFailures, useChannels, type Channel } from './queries';
import { texts } from './texts';

const SHOWN_MS = 24 * 3600 * 1000;

// Not for longer than a day, and not when the channel was changed since.
const isFailing = ({ enabled, last, updatedAt }: Channel) => enabled && last?.state === 'failed' && last.at > updatedAt && Date.now() - Date.parse(last.at) < SHOWN_MS;

export function useFailingChannels(): Channel[] {
  return useChannels().data?.channels.filter(isFailing) ?? [];
}

export function FailingChannels({ channels }: { channels: Channel[] }) {
  const t = useTexts(texts);
  const format = useFormat();
  return channels.map(({ id, name, last }) => (
    <Alert key={id} type="warning" showIcon title={<>{t('notArriving', { name, ago: format.ago(last!.at) })}{last?.error && <Technical text={last.error} />}</>} />
  ));
}

export function NobodyTold() {
  const t = useTexts(texts);
  const { data } = useChannels();
  if (!data || data.channels.some(tellsOfFailures)) return null;
  return <Typography.Text type="secondary" className="backup-quiet">{t('nobodyTold')} <Link to="?tab=messages">{t('setUp')}</Link></Typography.Text>;
}
