// Combines entries that are parts of one change.

import type { Entry } from './queries';

export interface Deed {
  first: Entry; // the newest
  entries: Entry[];
  rowCount: number | null;
  success: boolean;
}

export function deedsOf(entries: Entry[]): Deed[] {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = entry.group === null ? `entry ${entry.id}` : `group ${entry.group}`;
    found.set(key, [...(found.get(key) ?? []), entry]);
  }
  return [...found.values()].map((parts) => ({
    first: parts[0]!, entries: parts, success: parts.every(({ success }) => success),
    rowCount: parts.some(({ rowCount }) => rowCount !== null) ? parts.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0) : null,
  }));
}
