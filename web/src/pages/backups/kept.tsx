// Why a backup is kept, and when it goes.

import { Typography } from 'antd';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import type { Backup } from './queries';
import { texts } from './texts';
import { useWords } from './words';

export function Kept({ backup }: { backup: Backup }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const reasons = words.reasons(backup);
  const until = backup.goesAt === null ? t('keptAlways') : t('goes', { time: format.dateTime(backup.goesAt) });
  return <Typography.Text type="secondary" className="backup-text">{!backup.isKept ? t('notKept') : reasons === '' ? t('keptAlways') : `${t('kept', { reasons })} · ${until}`}</Typography.Text>;
}
