import { Tag } from 'antd';
import { statusNames } from '../../batch/texts';
import { useTexts } from '../../i18n/language';

const SOON_MS = 7 * 24 * 3600 * 1000;

// Whether a user or key works now, and for how long.
export function Status({ isEnabled, expiresAt }: { isEnabled: boolean; expiresAt: string | null }) {
  const name = useTexts(statusNames);
  const leftMs = expiresAt ? new Date(expiresAt).getTime() - Date.now() : Infinity;
  if (!isEnabled) return <Tag>{name('disabled')}</Tag>;
  if (leftMs <= 0) return <Tag color="error">{name('expired')}</Tag>;
  return leftMs <= SOON_MS ? <Tag color="warning">{name('expiringSoon')}</Tag> : <Tag color="success">{name('active')}</Tag>;
}
