// The parts of every page: its heading, and placeholders for missing contents.

import { Alert, Button, Empty, Flex, Skeleton, Typography } from 'antd';
import { useEffect, type ReactNode } from 'react';
import { ApiError } from '../api/client';
import { currentLanguage, useLanguage, useTexts } from '../i18n/language';
import { texts } from './texts';

export function Page({ title, subtitle, actions, children }: { title: string; subtitle?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · cch-data`;
  }, [title]);
  return (
    <Flex vertical gap="middle">
      <Flex wrap justify="space-between" align="center" gap="small">
        <div>
          <Typography.Title level={1} className="page-title">{title}</Typography.Title>
          {subtitle && <Typography.Text type="secondary">{subtitle}</Typography.Text>}
        </div>
        {actions && <Flex wrap gap="small">{actions}</Flex>}
      </Flex>
      {children}
    </Flex>
  );
}

export function Loading({ rows = 4 }: { rows?: number }) {
  const t = useTexts(texts);
  return (
    <div role="status" aria-label={t('loading')}>
      <Skeleton active title={false} paragraph={{ rows }} />
    </div>
  );
}

const isChinese = (text: string) => /[\u4e00-\u9fff]/.test(text);

// An error in one sentence, for a notification. A Chinese page omits technical details in English.
export function errorWords({ message, details }: ApiError): string {
  const isShown = details !== null && details !== message && (currentLanguage() === 'en' || isChinese(details));
  return isShown ? `${message}: ${details}` : message;
}

// Technical details. A Chinese page folds those in English.
export function Technical({ text }: { text: string }) {
  const t = useTexts(texts);
  const { language } = useLanguage();
  if (language === 'en' || isChinese(text)) return <div className="technical">{text}</div>;
  return <details className="technical"><summary>{t('technical')}</summary><span lang="en">{text}</span></details>;
}

// An error: its message, its technical details, and a retry if that can help.
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTexts(texts);
  const isApi = error instanceof ApiError;
  const message = isApi ? error.message : t('unexpected');
  const details = isApi ? error.details : error instanceof Error ? error.message : String(error);
  return (
    <Alert
      type="error" showIcon role="alert" title={message}
      description={<>
        {details && details !== message && <Technical text={details} />}
        {isApi && error.invalidParams.length > 0 && (
          <ul className="problems">
            {error.invalidParams.map((param) => <li key={param.path + param.code}><code>{param.path}</code>: {param.message}</li>)}
          </ul>
        )}
      </>}
      action={onRetry && <Button size="small" onClick={onRetry}>{t('retry')}</Button>}
    />
  );
}

// An empty state with a hint at what would fill it.
export function Nothing({ what, action }: { what: string; action?: ReactNode }) {
  return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={what}>{action}</Empty>;
}
