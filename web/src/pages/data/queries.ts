// The page's requests about the database.

import { useQuery } from '@tanstack/react-query';
import { api, dataOf } from '../../api/client';
import { noteDatabaseAway } from '../../api/connection';

export const statusKey = ['database', 'status'];
export const exportsKey = ['database', 'exports'];
export const uploadsKey = ['database', 'uploads'];

const POLL_MS = 4000;

async function readStatus() {
  const status = await dataOf(api.GET('/api/admin/database/status'));
  if (!status.isAvailable) noteDatabaseAway();
  return status;
}

// Without `data` while the service cannot be asked, because the last answer may be outdated.
export function useStatus() {
  return useQuery({ queryKey: statusKey, queryFn: readStatus, refetchInterval: POLL_MS });
}

export function useExports() {
  return useQuery({ queryKey: exportsKey, queryFn: () => dataOf(api.GET('/api/admin/database/exports')), refetchInterval: POLL_MS });
}

export function useEstimate(excludeLogs: boolean) {
  return useQuery({
    queryKey: ['database', 'estimate', excludeLogs],
    queryFn: () => dataOf(api.GET('/api/admin/database/export:estimate', { params: { query: { excludeLogs } } })),
    staleTime: 60_000,
  });
}
