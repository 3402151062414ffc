// The newest scheduled backup, in one line, and the way to the page of backups.

import { Alert } from 'antd';
import { Link } from 'react-router';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useSafetyLine } from '../backups/safety';
import { texts } from '../backups/texts';

export function BackupLine() {
  const t = useTexts(texts);
  const format = useFormat();
  const line = useSafetyLine();
  if (!line) return null;
  const { lastGood, isLate } = line;
  return (
    <Alert
      type={lastGood === null || isLate ? 'warning' : 'success'} showIcon title={lastGood === null ? t('lineNone') : t('lineLastGood', { ago: format.ago(lastGood) })}
      action={<Link to="/settings/backups">{t('lineLink')}</Link>}
    />
  );
}
