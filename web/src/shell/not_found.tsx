import { Button, Result } from 'antd';
import { Link } from 'react-router';
import { useTexts } from '../i18n/language';
import { texts } from './texts';

export function NotFound() {
  const t = useTexts(texts);
  return (
    <Result
      status="404" title={t('notFound')} subTitle={t('notFoundHint')}
      extra={<Link to="/"><Button type="primary">{t('home')}</Button></Link>}
    />
  );
}
