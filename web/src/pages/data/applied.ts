// Whether an import or an undo was applied, by its row in the audit log, which is written in the same transaction.

import { api, dataOf } from '../../api/client';

async function wasApplied(type: string, since: string): Promise<boolean | null> {
  const { isAvailable, operation } = await dataOf(api.GET('/api/admin/database/status'));
  if (!isAvailable || operation.running) return null; // it may still be rolling back or committing
  const query = { category: 'database', type, success: true, from: since, limit: 1 };
  const { items } = await dataOf(api.GET('/api/v1/audit-log', { params: { query } }));
  return items.length > 0;
}

export const importRun = { remember: 'cch-data.import', wasApplied: (since: string) => wasApplied('database.import', since) };
export const undoRun = { remember: 'cch-data.undo', wasApplied: (since: string) => wasApplied('database.undo', since) };
