// The page's requests.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { api, dataOf, type Schemas } from '../../api/client';

export type Entry = Schemas['AuditEntry'];
export type Operation = Schemas['Operation'];

export const noFilters = { q: '', category: '', type: '', operator: '', success: '', from: '', to: '' };
export type Filters = typeof noFilters;

const PAGE = 50;
const OPERATION_PAGES = 5;

// The start or the end of a day in the reader's time zone.
function momentOf(day: string, daysLater: number): string | undefined {
  const [year, month, date] = day.split('-').map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + daysLater).toISOString();
}

export function useEntries({ q, category, type, operator, success, from, to }: Filters) {
  return useInfiniteQuery({
    queryKey: ['history', 'entries', q, category, type, operator, success, from, to],
    queryFn: ({ pageParam, signal }) =>
      dataOf(api.GET('/api/v1/audit-log', {
        signal,
        params: {
          query: {
            q, category, type, operator, limit: PAGE, cursor: pageParam, from: momentOf(from, 0), to: momentOf(to, 1),
            ...(success === '' ? {} : { success: success === 'true' }),
          },
        },
      })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.pageInfo.nextCursor ?? undefined,
  });
}

export const useEntry = (id: string) =>
  useQuery({
    queryKey: ['history', 'entry', id],
    queryFn: ({ signal }) => dataOf(api.GET('/api/v1/audit-log/{id}', { signal, params: { path: { id } } })),
  });

// Operations that can be undone now, by id. The newest suffice: nothing older than a day can be undone.
export const useUndoable = () =>
  useQuery({
    queryKey: ['history', 'undoable'],
    queryFn: async ({ signal }) => {
      const found = new Map<string, Operation>();
      let cursor: string | undefined;
      for (let page = 0; page < OPERATION_PAGES; page++) {
        const { items, pageInfo } = await dataOf(
          api.GET('/api/v1/operations', { signal, params: { query: { undoable: true, limit: 100, cursor } } }));
        for (const item of items) found.set(item.id, item);
        if (pageInfo.nextCursor === null) break;
        cursor = pageInfo.nextCursor;
      }
      return found;
    },
  });

const MINUTE_MS = 60_000;
const around = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString();

// The operation of a batch's entry; null after it has expired. It was recorded in the same transaction as the entry.
export const useOperation = (entry: { createdAt: string; category: string; targetName: string | null }) =>
  useQuery({
    queryKey: ['history', 'operation', operationIdOf(entry)],
    enabled: operationIdOf(entry) !== null,
    queryFn: async ({ signal }) => {
      const query = { from: around(entry.createdAt, -MINUTE_MS), to: around(entry.createdAt, MINUTE_MS), limit: 100 };
      const { items } = await dataOf(api.GET('/api/v1/operations', { signal, params: { query } }));
      return items.find((item) => item.id === entry.targetName) ?? null;
    },
  });

export const useKept = (isWanted: boolean) =>
  useQuery({
    queryKey: ['history', 'kept'],
    enabled: isWanted,
    queryFn: ({ signal }) => dataOf(api.GET('/api/admin/database/import:undo', { signal })),
  });

// The operation that an entry describes.
export const operationIdOf = (entry: { category: string; targetName: string | null }): string | null =>
  entry.category === 'batch' ? entry.targetName : null;
