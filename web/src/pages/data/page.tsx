import { Page } from '../../components/page';
import { useTexts } from '../../i18n/language';
import { texts } from './texts';

export default function DataPage() {
  const t = useTexts(texts);
  return <Page title={t('title')}>{null}</Page>;
}
