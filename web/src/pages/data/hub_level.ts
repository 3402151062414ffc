import type { Schemas } from '../../api/client';
import type { Translate } from '../../i18n/language';
import type { texts } from './texts';

export function hubLevelText(level: Schemas['HubLevel'], t: Translate<keyof typeof texts>): string {
  if (level === null) return t('noHubRecord');
  const { migrations, lastMigration, version } = level;
  return lastMigration === null || version === null ? String(migrations) : t('hubLevelText', { count: migrations, name: lastMigration, version });
}
