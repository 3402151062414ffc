// The database, the lock and Redis, as they are now.

import { ReloadOutlined } from '@ant-design/icons';
import { Alert, Badge, Button, Card, Descriptions } from 'antd';
import { ErrorNotice, Loading, Technical } from '../../components/page';
import type { Schemas } from '../../api/client';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { hubLevelText } from './hub_level';
import { useStatus } from './queries';
import { texts } from './texts';

type Status = Schemas['Status'];

const UNKNOWN = '–';

function useLockText() {
  const t = useTexts(texts);
  const format = useFormat();
  return ({ operation }: Status) => {
    if (!operation.running) return t('lockFree');
    if (!operation.holder || !operation.since) return t('lockHeldUnknown');
    const name = operation.operation ?? '';
    const known = name === 'export' || name === 'import' || name === 'preview' || name === 'undo';
    return t('lockHeld', { holder: operation.holder, operation: known ? t(name) : name, since: format.dateTime(operation.since) });
  };
}

function Facts({ status }: { status: Status }) {
  const t = useTexts(texts);
  const format = useFormat();
  const lockText = useLockText();
  const { redis } = status;
  const isLockKnown = status.operation.running || status.isAvailable; // without the database its holder is unknown
  const redisText = !redis.configured ? t('redisOff') : redis.available ? t('redisUp') : t('redisDown');
  return (
    <Descriptions
      size="small" column={{ xs: 1, sm: 2, lg: 3 }} className="facts"
      items={[
        { label: t('database'), children: status.databaseName },
        { label: t('server'), children: status.containerName },
        { label: t('size'), children: status.databaseBytes === null ? UNKNOWN : format.bytes(status.databaseBytes) },
        { label: t('version'), children: status.isAvailable ? status.postgresVersion : UNKNOWN },
        { label: t('hubLevel'), children: hubLevelText(status.hubLevel, t) },
        { label: t('pgDump'), children: status.pgDumpVersion ?? t('noPgDump') },
        { label: t('tables'), children: status.isAvailable ? format.number(status.tableCount) : UNKNOWN },
        { label: t('logRows'), children: !status.isAvailable ? UNKNOWN : status.logRows === null ? t('notAnalyzed') : format.number(status.logRows) },
        { label: t('redis'), children: <Badge status={redis.available ? 'success' : redis.configured ? 'error' : 'default'} text={redisText} /> },
        { label: t('lock'), children: isLockKnown ? <Badge status={status.operation.running ? 'processing' : 'success'} text={lockText(status)} /> : UNKNOWN },
      ]}
    />
  );
}

export function StatusCard() {
  const t = useTexts(texts);
  const status = useStatus();
  // A service that cannot be asked is in an unknown state, whatever was known before.
  const known = status.isError ? undefined : status.data;
  const badge = known && <Badge status={known.isAvailable ? 'success' : 'error'} text={t(known.isAvailable ? 'available' : 'unavailable')} />;
  return (
    <Card
      title={<h2 className="card-title">{t('status')}</h2>}
      extra={<>{badge} <Button type="text" icon={<ReloadOutlined />} aria-label={t('refresh')} loading={status.isFetching} onClick={() => void status.refetch()} /></>}
    >
      {status.isPending && <Loading rows={3} />}
      {status.isError && <ErrorNotice error={status.error} onRetry={() => void status.refetch()} />}
      {known?.error && <Alert type="error" showIcon title={t('unavailable')} description={<Technical text={known.error} />} className="above" />}
      {known?.collationHint && <Alert type="warning" showIcon title={known.collationHint} className="above" />}
      {known?.statisticsPending && <Alert type="info" showIcon title={t('statisticsPending')} className="above" />}
      {known && <Facts status={known} />}
    </Card>
  );
}
