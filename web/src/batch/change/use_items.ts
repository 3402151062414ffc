// The chosen rows as they are now, and the possible values of fields that hold names.

import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, dataOf } from '../../api/client';
import type { Options } from './fields';
import type { Entity } from '../model';
import type { Item } from '../requests';
import { loadItems } from './run';

export function useItems(entity: Entity, ids: number[]) {
  const [items, setItems] = useState<Item[]>();
  const [loaded, setLoaded] = useState(0);
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setError(undefined);
    loadItems(entity, ids, setLoaded, abort.signal).then(setItems, (failure: unknown) => {
      if (!abort.signal.aborted) setError(failure);
    });
    return () => abort.abort();
  }, [entity, ids, attempt]);
  return { items, loaded, error, retry: () => setAttempt((before) => before + 1) };
}

export const tagsQuery = { queryKey: ['values', 'tags'], queryFn: () => dataOf(api.GET('/api/v1/users/tags')) };
export const keyGroupsQuery = { queryKey: ['values', 'key groups'], queryFn: () => dataOf(api.GET('/api/v1/keys/groups')) };
export const providerGroupsQuery = { queryKey: ['values', 'provider groups'], queryFn: () => dataOf(api.GET('/api/v1/providers/groups')) };
export const providerTypesQuery = { queryKey: ['values', 'provider types'], queryFn: () => dataOf(api.GET('/api/v1/providers/types')) };

export function useOptions(entity: Entity): Options {
  const tags = useQuery({ ...tagsQuery, enabled: entity === 'users' });
  const groups = useQuery({ ...providerGroupsQuery, enabled: entity !== 'users' });
  return { tags: (tags.data?.items ?? []).map((one) => one.value), groups: (groups.data?.items ?? []).map((one) => one.value) };
}
