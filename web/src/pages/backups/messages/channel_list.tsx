// The channels: switch, test, edit; and the hub's own targets, which one click makes channels.

import { PlusOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Flex, Switch, Tag, Typography } from 'antd';
import { useCallback, useState } from 'react';
import { api, dataOf } from '../../../api/client';
import { ErrorNotice, Nothing, Technical } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useLanguage, useTexts } from '../../../i18n/language';
import { useAct } from '../actions';
import { backupsKey, idPath } from '../queries';
import { texts as pageTexts } from '../texts';
import { ChannelForm } from './channel_form';
import { kinds, problemKinds, types, type Type } from './kinds';
import { tellsOfFailures, type Channel, type HubTarget } from './queries';
import { texts } from './texts';

function useTest() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => dataOf(api.POST('/api/admin/notify/channels/{id}/test', idPath(id))),
    onSettled: () => queries.invalidateQueries({ queryKey: backupsKey }),
  });
}

function TestOutcome({ test }: { test: ReturnType<typeof useTest> }) {
  const t = useTexts(texts);
  const format = useFormat();
  if (test.isPending) return <Typography.Text role="status">{t('testing')}</Typography.Text>;
  if (test.isError) return <ErrorNotice error={test.error} />;
  if (!test.data) return null;
  const { sent, status, problem, durationMs } = test.data;
  if (sent) return <Alert type="success" showIcon role="status" title={t('testSent', { time: format.number(Math.round(durationMs / 100) / 10) })} />;
  return <Alert type="error" showIcon role="alert" title={status === null ? t('testSilent') : t('testRefused', { status })} description={problem ? <Technical text={problem} /> : undefined} />;
}

function Last({ last }: { last: Channel['last'] }) {
  const t = useTexts(texts);
  const format = useFormat();
  if (last === null) return <Typography.Text type="secondary">{t('lastNone')}</Typography.Text>;
  if (last.state === 'sent') return <Typography.Text type="secondary">{t('lastSent', { ago: format.ago(last.at) })}</Typography.Text>;
  const title = last.state === 'failed' ? t('lastFailed', { ago: format.ago(last.at) }) : last.error === null ? t('lastWaiting') : t('lastRetried');
  return (
    <div className="backup-text">
      <Typography.Text {...(last.state === 'failed' ? { type: 'danger' } : last.error === null ? {} : { type: 'warning' })}>{title}</Typography.Text>
      {last.error !== null && <Technical text={last.error} />}
    </div>
  );
}

function useTold() {
  const t = useTexts(texts);
  return ({ type, kinds: told }: Channel) => {
    if (type === 'ping') return t('toldPing');
    if (told.length === 0) return t('toldNothing');
    if (!problemKinds.every((kind) => told.includes(kind))) return told.map((kind) => t(kinds[kind].label)).join(' · ');
    return t(told.includes('backup_succeeded') ? 'toldAll' : 'toldProblems');
  };
}

interface RowProps {
  channel: Channel;
  isLastOne: boolean; // that tells of failures
  test: ReturnType<typeof useTest> | null;
  onTest: () => void;
  onEdit: () => void;
}

function ChannelRow({ channel, isLastOne, test, onTest, onEdit }: RowProps) {
  const t = useTexts(texts);
  const page = useTexts(pageTexts);
  const told = useTold();
  const { modal } = App.useApp();
  const { act, busy } = useAct();
  const { id, name, type, enabled, language, target } = channel;
  const remove = () => void modal.confirm({
    title: t('removeChannel', { name }), content: t(isLastOne ? 'removeLastText' : 'removeChannelText'), okText: page('remove'), okButtonProps: { danger: true }, cancelText: page('cancel'),
    onOk: async () => {
      await act('delete', () => api.DELETE('/api/admin/notify/channels/{id}', idPath(id)), t('removedChannel', { name }));
    },
  });
  return (
    <li className="backup-row">
      <div className="backup-text">
        <Flex gap="small" align="center">
          <Switch size="small" aria-label={t('isOn', { name })} checked={enabled} loading={busy === 'switch'} onChange={(next) => void act('switch', () => api.PATCH('/api/admin/notify/channels/{id}', { ...idPath(id), body: { enabled: next } }))} />
          <strong>{name}</strong>
          <Tag>{t(types[type].label)}</Tag>
        </Flex>
        <Typography.Text type="secondary">{t('toTarget', { target })}</Typography.Text>
      </div>
      <div className="backup-text">
        <div>{told(channel)}</div>
        {type !== 'ping' && <Typography.Text type="secondary">{t(language === 'en' ? 'english' : 'chinese')}</Typography.Text>}
      </div>
      <div>
        {!enabled && <Typography.Text type="secondary">{t('off')}</Typography.Text>}
        {enabled && !test && <Last last={channel.last} />}
        {test && <TestOutcome test={test} />}
      </div>
      <Flex gap="small" wrap>
        <Button size="small" autoInsertSpace={false} aria-label={t('sendTestOf', { name })} loading={test?.isPending ?? false} onClick={onTest}>{t('sendTest')}</Button>
        <Button size="small" autoInsertSpace={false} aria-label={page('editOf', { name })} onClick={onEdit}>{page('edit')}</Button>
        <Button size="small" autoInsertSpace={false} danger aria-label={page('removeOf', { name })} onClick={remove}>{page('remove')}</Button>
      </Flex>
    </li>
  );
}

function HubTargets({ targets, onUsed }: { targets: HubTarget[]; onUsed: (id: number) => void }) {
  const t = useTexts(texts);
  const { language } = useLanguage();
  const { act, busy } = useAct();
  if (targets.length === 0) return null;
  const use = ({ id, name }: HubTarget) => act(String(id), async () => {
    const body = { name: name ?? t('targetUnnamed', { id }), type: 'hub' as const, language, settings: { targetId: id } };
    onUsed((await dataOf(api.POST('/api/admin/notify/channels', { body }))).id);
  });
  return (
    <Alert
      type="info" title={t('hubTargets')}
      description={(
        <Flex vertical gap="small">
          <span>{t('hubTargetsText')}</span>
          <Flex wrap gap="small">
            {targets.map((target) => {
              const name = target.name ?? t('targetUnnamed', { id: target.id });
              const type = target.type !== null && target.type in types ? t(types[target.type as Type].label) : (target.type ?? '');
              return <Button key={target.id} size="small" disabled={!target.enabled} loading={busy === String(target.id)} onClick={() => void use(target)}>{target.enabled ? t('useTarget', { name, type }) : t('targetOff', { name })}</Button>;
            })}
          </Flex>
        </Flex>
      )}
    />
  );
}

export function ChannelList({ channels, hubTargets }: { channels: Channel[]; hubTargets: HubTarget[] }) {
  const t = useTexts(texts);
  const test = useTest();
  const { mutate } = test;
  const [editing, setEditing] = useState<Channel | 'new' | null>(null);
  const saved = useCallback((id: number, isToTest: boolean) => {
    setEditing(null);
    if (isToTest) mutate(id);
  }, [mutate]);
  const telling = channels.filter(tellsOfFailures);
  return (
    <Flex vertical gap="small">
      <Typography.Text type="secondary">{t('channelsHint')}</Typography.Text>
      <Button className="start" icon={<PlusOutlined />} onClick={() => setEditing('new')}>{t('addChannel')}</Button>
      <HubTargets targets={hubTargets.filter(({ id }) => !channels.some(({ type, settings }) => type === 'hub' && settings.targetId === id))} onUsed={mutate} />
      {channels.length === 0 && <Nothing what={t('noChannels')} />}
      <ul className="backup-rows" aria-label={t('channels')}>
        {channels.map((channel) => (
          <ChannelRow key={channel.id} channel={channel} isLastOne={telling.length === 1 && telling[0]!.id === channel.id} test={test.variables === channel.id ? test : null}
            onTest={() => mutate(channel.id)} onEdit={() => setEditing(channel)} />
        ))}
      </ul>
      {editing && <ChannelForm channel={editing === 'new' ? null : editing} hubTargets={hubTargets} onClose={() => setEditing(null)} onSaved={saved} />}
    </Flex>
  );
}
