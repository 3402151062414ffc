// The signed-in user.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useNavigate } from 'react-router';
import { api, dataOf } from '../api/client';
import { useTexts } from '../i18n/language';
import { texts } from './texts';

export function useSession() {
  return useQuery({ queryKey: ['session'], queryFn: () => dataOf(api.GET('/api/auth/session')), staleTime: 60_000 });
}

export function useSignOut(): () => Promise<void> {
  const t = useTexts(texts);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { message } = App.useApp();
  return async () => {
    try {
      const { everywhere } = await dataOf(api.POST('/api/auth/logout'));
      if (!everywhere) message.warning(t('signedOutHere'), 10);
    } catch {
      message.error(t('stillSignedIn'));
      return;
    }
    queries.clear();
    await navigate('/login');
  };
}
