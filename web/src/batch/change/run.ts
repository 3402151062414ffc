// Batches of any size: split, previewed, applied one after the other, undone. The service takes at most 500 rows at a time.

import { ApiError, unreachableError, type Schemas } from '../../api/client';
import { BATCH_SIZE, chunk, chunkByOwner, type Entity, type Updates } from '../model';
import { randomId } from '../../lib/random_id';
import { deleteProviders, getPage, resetCircuits, undoOperation, update, type Item } from '../requests';

export type PreviewRow = Schemas['RowChange'];
export type Refusal = Schemas['RowRefused'];
export type Action =
  | { kind: 'update'; entity: Entity; updates: Updates }
  | { kind: 'delete'; entity: 'providers' }
  | { kind: 'reset'; entity: 'providers' };

const ITEMS_AT_A_TIME = 100;

const asApiError = (error: unknown) => (error instanceof ApiError ? error : unreachableError());

// The result of any batch. A dry run also has rows and refusals.
type Reply = Partial<Schemas['BatchUpdated'] & Schemas['CircuitsReset']>;

function send(action: Action, choice: { ids: number[]; dryRun: boolean; key?: string; signal?: AbortSignal }): Promise<Reply> {
  switch (action.kind) {
    case 'update': return update(action.entity, action.updates, choice);
    case 'delete': return deleteProviders(choice);
    case 'reset': return resetCircuits(choice);
  }
}

// The list items with these ids; deleted rows are left out.
export async function loadItems(entity: Entity, ids: number[], onProgress: (done: number) => void, signal: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  let done = 0;
  for (const some of chunk(ids, ITEMS_AT_A_TIME)) {
    const page = await getPage<Item>(entity, { ids: some.join(','), limit: ITEMS_AT_A_TIME, sortBy: 'id' }, signal);
    items.push(...page.items);
    onProgress((done += some.length));
  }
  return items;
}

export function split(entity: Entity, ids: number[], items: readonly Item[]): number[][] {
  if (entity !== 'keys') return chunk(ids, BATCH_SIZE);
  const owners = new Map(items.map((item) => [item.id, 'userId' in item ? item.userId : undefined]));
  return chunkByOwner(ids, (id) => owners.get(id), BATCH_SIZE);
}

export interface Preview {
  rows: PreviewRow[]; // of the chosen rows, and of the rows that change with them
  refused: Refusal[];
}

export async function preview(action: Action, batches: number[][], onProgress: (done: number) => void, signal: AbortSignal): Promise<Preview> {
  const result: Preview = { rows: [], refused: [] };
  let done = 0;
  for (const ids of batches) {
    const reply = await send(action, { ids, dryRun: true, signal });
    result.rows.push(...(reply.rows ?? []));
    result.refused.push(...(reply.refused ?? []));
    onProgress((done += ids.length));
  }
  return result;
}

export interface Outcome {
  total: number;
  doneIds: number[];
  changedCount: number; // of rows that had other values before, or breakers that were not closed
  operationIds: string[]; // in the order in which they were done
  cacheNotified: boolean; // false when a running hub was not told of every batch
  rest: number[][]; // batches that were not applied
  error?: ApiError; // the reason; undefined: stopped by the user
}

export const newOutcome = (batches: number[][]): Outcome => ({
  total: batches.reduce((sum, ids) => sum + ids.length, 0), doneIds: [], changedCount: 0, operationIds: [], cacheNotified: true, rest: batches,
});

// Keys by which the service recognizes a repeated batch. The same list of ids keeps its key, so that a batch whose answer was lost is
// not applied twice. The common part before the slash makes all of them one change in the history.
export function idempotencyKeys(): (ids: number[]) => string {
  const group = randomId();
  const keys = new Map<number[], string>();
  return (ids) => {
    const key = keys.get(ids) ?? `${group}/${keys.size + 1}`;
    keys.set(ids, key);
    return key;
  };
}

// Applies the remaining batches of an outcome.
export async function apply(
  action: Action, before: Outcome, keyOf: (ids: number[]) => string, onProgress: (outcome: Outcome) => void, shouldStop: () => boolean,
): Promise<Outcome> {
  let { error: _, ...outcome }: Outcome = before;
  while (outcome.rest.length > 0 && !shouldStop()) {
    const [ids = [], ...rest] = outcome.rest;
    try {
      const reply = await send(action, { ids, dryRun: false, key: keyOf(ids) });
      outcome = {
        ...outcome,
        doneIds: [...outcome.doneIds, ...ids],
        changedCount: outcome.changedCount + (reply.resetCount ?? reply.changedCount ?? ids.length),
        operationIds: reply.operationId && action.kind !== 'reset' ? [...outcome.operationIds, reply.operationId] : outcome.operationIds,
        cacheNotified: outcome.cacheNotified && reply.cacheNotified !== false,
        rest,
      };
      onProgress(outcome);
    } catch (error) {
      return { ...outcome, error: asApiError(error) };
    }
  }
  return outcome;
}

export interface Undone {
  restoredCount: number;
  pending: string[];
  conflicts: Schemas['RowName'][];
  error?: ApiError;
}

// Undoes operations, the last one first. Rows that were changed since stop it, unless they are to be skipped.
export async function undo(operationIds: readonly string[], skipConflicts: boolean): Promise<Undone> {
  let restoredCount = 0;
  const pending = [...operationIds];
  const group = randomId();
  for (let id = pending.at(-1); id !== undefined; id = pending.at(-1)) {
    try {
      const reply = await undoOperation(id, { skipConflicts, key: `${group}/${pending.length}` });
      restoredCount += reply.restoredCount;
    } catch (caught) {
      const error = asApiError(caught);
      if (error.errorCode !== 'batch.already_undone') {
        return { restoredCount, pending, conflicts: (error.body.conflicts as Schemas['RowName'][] | undefined) ?? [], error };
      }
    }
    pending.pop();
  }
  return { restoredCount, pending, conflicts: [] };
}
