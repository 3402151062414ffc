// A notice while the service or the database cannot be reached.

import { Alert } from 'antd';
import { useSyncExternalStore } from 'react';
import { connection, onConnection } from '../api/connection';
import { useTexts } from '../i18n/language';
import { texts } from './texts';

export const useConnection = () => useSyncExternalStore(onConnection, connection);

const said = { offline: 'offline', 'service away': 'serviceAway', 'database away': 'databaseAway' } as const;

export function ConnectionNotice() {
  const t = useTexts(texts);
  const state = useConnection();
  return state === 'good' ? null : <Alert type="error" showIcon role="alert" className="away" title={t(said[state])} description={t('goesOn')} />;
}
