// The last messages: what was told to whom, and why one has not arrived.

import { Flex, Pagination, Tag, Typography } from 'antd';
import { useState } from 'react';
import { ErrorNotice, Loading, Nothing, Technical } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { kinds } from './kinds';
import { useMessages, type Message } from './queries';
import { texts } from './texts';

const PAGE_SIZE = 10;
const states = { sent: ['sent', 'success'], queued: ['waiting', 'processing'], failed: ['failed', 'error'] } as const;

function useTitle() {
  const t = useTexts(texts);
  return ({ kind, mood, subject, details }: Message) => {
    const name = typeof details.name === 'string' && details.name !== '' ? details.name : subject.slice(subject.indexOf(':') + 1);
    const title = t(mood === 'recovered' ? kinds[kind].over : kinds[kind].title, { name });
    return mood === 'reminder' ? t('still', { title }) : title;
  };
}

function Row({ message }: { message: Message }) {
  const t = useTexts(texts);
  const format = useFormat();
  const title = useTitle();
  const [label, color] = states[message.state];
  const next = message.nextTryAt === null ? null : message.tries > 0 ? t('nextTry', { ago: format.ago(message.nextTryAt) }) : t('nextFirst');
  const facts = [t('via', { channel: message.channel }), message.tries > 1 || message.state !== 'sent' ? t('tries', { n: message.tries }) : null, next];
  return (
    <li className="message-row">
      <Tag color={color}>{t(label)}</Tag>
      <div className="backup-text">
        <div>{title(message)}</div>
        <Typography.Text type="secondary">{facts.filter((fact) => fact !== null).join(' · ')}</Typography.Text>
        {message.error !== null && message.state !== 'sent' && <Technical text={message.error} />}
      </div>
      <Typography.Text type="secondary" className="numbers">{format.dateTime(message.madeAt)}</Typography.Text>
    </li>
  );
}

export function MessageList() {
  const t = useTexts(texts);
  const messages = useMessages();
  const [page, setPage] = useState(1);
  const last = Math.max(1, Math.ceil((messages.data?.length ?? 0) / PAGE_SIZE));
  const current = Math.min(page, last);
  return (
    <section>
      <h3 className="part-title backup-section">{t('messages')}</h3>
      {messages.isPending && <Loading rows={2} />}
      {messages.isError && <ErrorNotice error={messages.error} onRetry={() => void messages.refetch()} />}
      {messages.data?.length === 0 && <Nothing what={t('noMessages')} />}
      <Flex vertical gap="small">
        <ul className="backup-rows" aria-label={t('messages')}>
          {messages.data?.slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE).map((message) => <Row key={message.id} message={message} />)}
        </ul>
        {last > 1 && <Pagination align="center" size="small" current={current} pageSize={PAGE_SIZE} total={messages.data!.length} showSizeChanger={false} responsive showTotal={() => t('messagesHint')} onChange={setPage} />}
      </Flex>
    </section>
  );
}
