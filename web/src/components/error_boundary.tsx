// Keeps a page that fails from breaking the others.

import { Button, Result } from 'antd';
import { useEffect } from 'react';
import { useRouteError } from 'react-router';
import { ApiError } from '../api/client';
import { connection, onConnection, suspect } from '../api/connection';
import { useTexts } from '../i18n/language';
import { ConnectionNotice } from './connection_notice';
import { Technical } from './page';
import { texts } from './texts';

const reload = () => window.location.reload();

export function RouteError() {
  const t = useTexts(texts);
  const error = useRouteError();
  const isAway = error instanceof ApiError && error.status === 0;
  useEffect(() => {
    if (!isAway) return undefined;
    suspect();
    return onConnection(() => connection() === 'good' && reload());
  }, [isAway]);
  if (isAway) return <Result status="warning" title={t('pageLost')} subTitle={error.message} extra={<><ConnectionNotice /><Button type="primary" onClick={reload}>{t('reload')}</Button></>} />;
  return (
    <Result
      status="error" title={t('unexpected')} subTitle={<Technical text={error instanceof Error ? error.message : String(error)} />}
      extra={<Button type="primary" onClick={reload}>{t('reload')}</Button>}
    />
  );
}
