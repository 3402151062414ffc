// A page that breaks does not take the others with it.

import { Button, Result } from 'antd';
import { useRouteError } from 'react-router';
import { useTexts } from '../i18n/language';
import { texts } from './texts';

export function RouteError() {
  const t = useTexts(texts);
  const error = useRouteError();
  return (
    <Result
      status="error" title={t('unexpected')} subTitle={error instanceof Error ? error.message : String(error)}
      extra={<Button type="primary" onClick={() => window.location.reload()}>{t('reload')}</Button>}
    />
  );
}
