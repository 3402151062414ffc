// The requests for users, keys and providers, by kind.

import { api, dataOf, type Schemas } from '../api/client';
import type { paths } from '../api/schema';
import type { Entity, Updates } from './model';

export type Item = Schemas['User'] | Schemas['Key'] | Schemas['Provider'];
export type Query = Record<string, string | number | boolean | undefined>;

export interface PageOf<Row> {
  items: Row[];
  pageInfo: Schemas['PageInfo'];
  total: number;
}

type QueryOf<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Wanted } } } ? NonNullable<Wanted> : never;

// The service checks the parameters that an address gives for a list.
async function list(entity: Entity, query: Query, signal?: AbortSignal) {
  switch (entity) {
    case 'users': return dataOf(api.GET('/api/v1/users', { params: { query: query as QueryOf<'/api/v1/users'> }, signal }));
    case 'keys': return dataOf(api.GET('/api/v1/keys', { params: { query: query as QueryOf<'/api/v1/keys'> }, signal }));
    case 'providers': return dataOf(api.GET('/api/v1/providers', { params: { query: query as QueryOf<'/api/v1/providers'> }, signal }));
  }
}

export const getPage = async <Row extends Item>(entity: Entity, query: Query, signal?: AbortSignal) =>
  (await list(entity, query, signal)) as unknown as PageOf<Row>;

// The ids of all matches.
export const getIds = async (entity: Entity, query: Query) => (await list(entity, { ...query, 'ids-only': true })) as Schemas['IdList'];

interface Choice {
  ids: number[];
  dryRun: boolean;
  key?: string; // by which the service recognizes a repeated request
  signal?: AbortSignal;
}

const headers = (key: string | undefined) => ({ params: { header: key === undefined ? {} : { 'Idempotency-Key': key } } });

export async function update(entity: Entity, updates: Updates, { ids, dryRun, key, signal }: Choice): Promise<Schemas['BatchUpdated']> {
  const options = { ...headers(key), signal };
  switch (entity) {
    case 'users': return dataOf(api.POST('/api/v1/users:batchUpdate', { ...options, body: { userIds: ids, updates: updates as Schemas['UserUpdates'], dryRun } }));
    case 'keys': return dataOf(api.POST('/api/v1/keys:batchUpdate', { ...options, body: { keyIds: ids, updates: updates as Schemas['KeyUpdates'], dryRun } }));
    case 'providers':
      return dataOf(api.POST('/api/v1/providers:batchUpdate', { ...options, body: { providerIds: ids, updates: updates as Schemas['ProviderUpdates'], dryRun } }));
  }
}

export const deleteProviders = ({ ids, dryRun, key, signal }: Choice) =>
  dataOf(api.POST('/api/v1/providers:batchDelete', { ...headers(key), signal, body: { providerIds: ids, dryRun } }));

export const resetCircuits = ({ ids, dryRun, key, signal }: Choice) =>
  dataOf(api.POST('/api/v1/providers/circuits:batchReset', { ...headers(key), signal, body: { providerIds: ids, dryRun } }));

export const undoOperation = (id: string, { skipConflicts, dryRun = false, key }: { skipConflicts: boolean; dryRun?: boolean; key?: string }) =>
  dataOf(api.POST('/api/v1/operations/{id}:undo', {
    params: { path: { id }, header: key === undefined ? {} : { 'Idempotency-Key': key } }, body: { skipConflicts, ...(dryRun ? { dryRun } : {}) },
  }));
