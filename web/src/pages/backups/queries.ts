// The page's requests about scheduled backups.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { api, dataOf, type Schemas } from '../../api/client';

export type Backup = Schemas['StoredBackup'];
export type Job = Schemas['BackupJob'];
export type JobSettings = Schemas['BackupJobSettings'];
export type Destination = Schemas['BackupDestination'];
export type Run = Schemas['BackupRun'];

export const backupsKey = ['backups'];

const IDLE_POLL_MS = 10_000;
const BUSY_POLL_MS = 2000;
const NEWEST = 400; // for the overview

export const isActive = ({ state }: Run) => state === 'queued' || state === 'running';
export const isGood = ({ state }: Backup) => state === 'stored' || state === 'proven';
export const idPath = (id: number) => ({ params: { path: { id: String(id) } } });

export function useJobs() {
  return useQuery({ queryKey: [...backupsKey, 'jobs'], queryFn: async () => (await dataOf(api.GET('/api/admin/backup-jobs'))).jobs, refetchInterval: IDLE_POLL_MS });
}

export function useDestinations() {
  return useQuery({ queryKey: [...backupsKey, 'destinations'], queryFn: async () => (await dataOf(api.GET('/api/admin/backup-destinations'))).destinations });
}

// The newest backups of all jobs, by which the overview judges.
export function useNewest() {
  return useQuery({
    queryKey: [...backupsKey, 'newest'],
    queryFn: async () => (await dataOf(api.GET('/api/admin/backups', { params: { query: { limit: NEWEST } } }))).backups,
    refetchInterval: 6 * IDLE_POLL_MS,
  });
}

export interface BackupFilter {
  job: string;
  destinationId: number | null;
  page: number;
  pageSize: number;
}

export function useBackups({ job, destinationId, page, pageSize }: BackupFilter) {
  const query = { limit: pageSize, offset: (page - 1) * pageSize, ...(job === '' ? {} : { job }), ...(destinationId === null ? {} : { destinationId }) };
  return useQuery({
    queryKey: [...backupsKey, 'list', query],
    queryFn: () => dataOf(api.GET('/api/admin/backups', { params: { query } })),
    placeholderData: (before) => before,
  });
}

// More often while one is under way. When one has ended, everything else is asked for again.
export function useRuns() {
  const queries = useQueryClient();
  const runs = useQuery({
    queryKey: [...backupsKey, 'runs'],
    queryFn: async () => (await dataOf(api.GET('/api/admin/backup-runs', { params: { query: { limit: 50 } } }))).runs,
    refetchInterval: ({ state }) => (state.data?.some(isActive) ? BUSY_POLL_MS : IDLE_POLL_MS),
  });
  const active = (runs.data ?? []).filter(isActive).map(({ id }) => id).join();
  const before = useRef(active);
  useEffect(() => {
    if (before.current !== active) void queries.invalidateQueries({ queryKey: backupsKey });
    before.current = active;
  }, [queries, active]);
  return runs;
}

// With its log.
export function useRun(id: number, isBusy: boolean) {
  return useQuery({
    queryKey: [...backupsKey, 'run', id, isBusy],
    queryFn: () => dataOf(api.GET('/api/admin/backup-runs/{id}', idPath(id))),
    refetchInterval: isBusy ? BUSY_POLL_MS : false,
  });
}
