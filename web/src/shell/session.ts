// The signed-in user.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { api, dataOf } from '../api/client';

export function useSession() {
  return useQuery({ queryKey: ['session'], queryFn: () => dataOf(api.GET('/api/auth/session')), staleTime: 60_000 });
}

export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    await api.POST('/api/auth/logout');
    queries.clear();
    await navigate('/login');
  };
}
