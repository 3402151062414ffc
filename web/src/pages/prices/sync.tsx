// Syncs with the cloud: the result of the last one, and manual syncs, whose changes are shown first.

import { SyncOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Collapse, Descriptions, Flex, Modal, Tag, Typography } from 'antd';
import { useState, type ReactNode } from 'react';
import { ApiError } from '../../api/client';
import { ErrorNotice, Technical } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { applySync, checkSync, useSyncStatus, type SyncStatus } from './api';
import { Review } from './review/review';
import { texts } from './texts';

export function SyncDrawer({ onClose }: { onClose: () => void }) {
  const t = useTexts(texts);
  const [force, setForce] = useState(false);
  const [besideHub, setBesideHub] = useState(false);
  const { data: status } = useSyncStatus();
  const failure = (error: unknown, retry: () => void): ReactNode => {
    if (!(error instanceof ApiError)) return <ErrorNotice error={error} onRetry={retry} />;
    if (error.errorCode === 'prices.shrunk') {
      return (
        <Flex vertical gap="small">
          <ErrorNotice error={error} />
          <Typography.Text>{t('shrunkHint')}</Typography.Text>
          <div><Button onClick={() => setForce(true)}>{t('showRemoved')}</Button></div>
        </Flex>
      );
    }
    const upstream = error.body.upstreamStatus;
    return (
      <Flex vertical gap="small">
        <ErrorNotice error={error} onRetry={retry} />
        {typeof upstream === 'number' && <Typography.Text type="secondary">{t('upstream', { status: upstream })}</Typography.Text>}
      </Flex>
    );
  };
  if (status?.hubKeepsPrices && !besideHub) {
    return (
      <Modal open title={t('hubKeeps')} okText={t('syncBesideHub')} cancelText={t('cancel')} onOk={() => setBesideHub(true)} onCancel={onClose}>
        {t('hubKeepsText')}
      </Modal>
    );
  }
  return (
    <Review
      title={t('syncTitle')} waiting={t('downloading')} onClose={onClose} onFailure={failure}
      compareKey={['sync', force]} compare={(signal) => checkSync(force, signal)}
      apply={(report, overwriteManual, leaveOut) => applySync({ checkId: report.checkId!, force, besideHub, overwriteManual, leaveOut })}
    />
  );
}

function Details({ status }: { status: SyncStatus }) {
  const t = useTexts(texts);
  const { dateTime, number } = useFormat();
  const { last } = status;
  const time = (text: string | null | undefined) => (text ? dateTime(text) : t('never'));
  const result = last?.result;
  const items = [
    { key: 'lastTry', label: t('lastTry'), children: time(last?.lastTryAt) },
    { key: 'lastSuccess', label: t('lastSuccess'), children: time(last?.lastSuccessAt) },
    { key: 'address', label: t('address'), children: status.urls.map((url) => <div key={url} className="technical">{url}</div>) },
    { key: 'models', label: t('models'), children: last?.modelCount != null ? number(last.modelCount) : '–' },
    { key: 'version', label: t('version'), children: last?.version ?? '–' },
    { key: 'etag', label: 'ETag', children: <span className="technical">{last?.etag ?? last?.lastModified ?? '–'}</span> },
    {
      key: 'result', label: t('lastResult'),
      children: result
        ? t('resultLine', Object.fromEntries(Object.entries(result).map(([name, n]) => [name, number(n)])))
        : '–',
    },
  ];
  return <Descriptions size="small" column={{ xs: 1, md: 2 }} items={items} />;
}

function duration(seconds: number, language: string): string {
  const [value, unit] = seconds % 3600 === 0 ? [seconds / 3600, 'hour'] : seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

export function SyncCard({ onSync }: { onSync: () => void }) {
  const t = useTexts(texts);
  const { dateTime } = useFormat();
  const query = useSyncStatus();
  if (query.isError) return <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />;
  const status = query.data;
  const last = status?.last;
  const summary = status && (
    <Flex wrap gap="small" align="center">
      <Typography.Text strong>{t('statusTitle')}</Typography.Text>
      {status.running && <Tag icon={<SyncOutlined spin />} color="processing">{t('syncing')}</Tag>}
      <Typography.Text>{t('lastSuccess')}: {last?.lastSuccessAt ? dateTime(last.lastSuccessAt) : t('never')}</Typography.Text>
      <Typography.Text type="secondary">
        {status.intervalSeconds === 0
          ? t('off')
          : !status.scheduled ? t('leftToHub')
          : `${t('next')}: ${status.nextAt ? dateTime(status.nextAt) : '–'} (${t('every', { time: duration(status.intervalSeconds, document.documentElement.lang) })})`}
      </Typography.Text>
    </Flex>
  );
  return (
    <Card size="small" loading={query.isPending} className="sync-card">
      {status && (
        <Flex vertical gap="small">
          {last?.errorCode && (
            <Alert
              type="warning" showIcon title={t('failedAt', { time: last.lastTryAt ? dateTime(last.lastTryAt) : '–' })}
              description={last.error && <Technical text={last.error} />}
              action={<Button size="small" onClick={onSync}>{t('syncNow')}</Button>}
            />
          )}
          <Collapse ghost size="small" items={[{ key: 'status', label: summary, children: <Details status={status} /> }]} />
        </Flex>
      )}
    </Card>
  );
}
