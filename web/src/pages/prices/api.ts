// The endpoints for prices. JSON with prices is read and written without loss: see exact.ts.

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, dataOf, request, type Schemas } from '../../api/client';
import { emptyObject, parseExact, writeExact, type Exact, type Json, type JsonObject } from './values/exact';

export const MODELS = '/api/v1/model-prices';
export const MAX_FILE_BYTES = 32 * 1024 * 1024;

// The service's types as parseExact returns them, with numbers as text.
type Read<T> = unknown extends T ? Json
  : T extends number ? Exact
  : T extends string | boolean | null | undefined ? T
  : T extends (infer Element)[] ? Read<Element>[]
  : { [Name in keyof T]: Read<T[Name]> };

export type PriceItem = Read<Schemas['Price']>;
export type PricePage = Read<Schemas['PricePage']>;
export type Issue = Read<Schemas['PriceIssue']>;
// The result of an upload or a sync, or of its dry run.
export type Report = Read<Schemas['PriceReport']>;
export type Change = NonNullable<Report['changes']>[number];
export type Conflict = NonNullable<Report['conflicts']>[number];
export type Facets = Schemas['PriceFacets'];
export type Facet = Facets['sources'][number];
export type SyncStatus = Schemas['PriceSyncStatus'];

export const isManual = (source: string | null): boolean => source === 'manual';
export const countOf = (count: Exact): number => Number(count.text);

async function exactly<Answer>(path: string, init?: RequestInit): Promise<Answer> {
  return parseExact(await (await request(path, init)).text()) as Answer;
}

function send<Answer>(path: string, method: string, body: string, signal?: AbortSignal): Promise<Answer> {
  return exactly(path, { method, body, headers: { 'Content-Type': 'application/json' }, signal });
}

export type Filter = Record<'search' | 'source' | 'litellmProvider' | 'vendor' | 'mode' | 'sortBy' | 'sortOrder' | 'page' | 'pageSize', string>;

export function usePrices(filter: Filter) {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== '')).toString();
  return useQuery({
    queryKey: ['prices', 'list', query],
    queryFn: ({ signal }) => exactly<PricePage>(`${MODELS}?${query}`, { signal }),
    placeholderData: keepPreviousData,
  });
}

export const useFacets = () => useQuery({ queryKey: ['prices', 'facets'], queryFn: () => dataOf(api.GET('/api/v1/model-prices:facets')) });

export const useSyncStatus = () =>
  useQuery({ queryKey: ['prices', 'status'], queryFn: () => dataOf(api.GET('/api/v1/model-prices:syncStatus')), refetchInterval: 20_000 });

const pathOf = (name: string): string => `${MODELS}/${encodeURIComponent(name)}`;

// Sets the fields; null removes one, and fields that are not named stay.
export function savePrice(name: string, fields: JsonObject): Promise<PriceItem> {
  return send(pathOf(name), 'PUT', writeExact(Object.assign(emptyObject(), { priceData: fields })));
}

// Uses a search, because the browser's console shows a 404 as an error.
export async function priceExists(name: string): Promise<boolean> {
  for (let page = 1; ; page++) {
    const query = new URLSearchParams({ search: name, page: String(page), pageSize: '200', sortBy: 'modelName', sortOrder: 'asc' });
    const found = await exactly<PricePage>(`${MODELS}?${query}`);
    if (found.items.some((item) => item.modelName === name)) return true;
    if (page * 200 >= countOf(found.total)) return false;
  }
}

export async function deletePrice(name: string): Promise<void> {
  await request(pathOf(name), { method: 'DELETE' });
}

export function pinPrice(name: string, provider: string): Promise<PriceItem> {
  return send(`${pathOf(name)}/pricing:pinManual`, 'POST', JSON.stringify({ pricingProviderKey: provider } satisfies Schemas['PinRequest']));
}

export interface UploadOptions {
  source: 'litellm' | 'manual';
  dryRun: boolean;
  overwriteManual?: string[];
  leaveOut?: string[];
  expectedState?: string;
}

export function uploadPrices(file: File, options: UploadOptions, signal?: AbortSignal): Promise<Report> {
  const form = new FormData();
  form.set('source', options.source);
  form.set('dryRun', String(options.dryRun));
  if (options.overwriteManual?.length) form.set('overwriteManual', JSON.stringify(options.overwriteManual));
  if (options.leaveOut?.length) form.set('leaveOut', JSON.stringify(options.leaveOut));
  if (options.expectedState) form.set('expectedState', options.expectedState);
  form.set('file', file);
  return exactly(`${MODELS}:upload`, { method: 'POST', body: form, signal });
}

export function checkSync(force: boolean, signal?: AbortSignal): Promise<Report> {
  return send(`${MODELS}:syncLitellmCheck`, 'POST', JSON.stringify({ force } satisfies Schemas['PriceCheckRequest']), signal);
}

export function applySync(body: Schemas['PriceSyncRequest']): Promise<Report> {
  return send(`${MODELS}:syncLitellm`, 'POST', JSON.stringify(body));
}
