// Requests about channels and messages. Their key is below that of the page, so that whatever changes something asks for them again.

import { useQuery } from '@tanstack/react-query';
import { api, dataOf, type Schemas } from '../../../api/client';
import { backupsKey } from '../queries';

export type Channel = Schemas['NotifyChannel'];
export type HubTarget = Schemas['NotifyChannels']['hubTargets'][number];
export type Message = Schemas['NotifyMessages']['messages'][number];

const IDLE_POLL_MS = 30_000;
const BUSY_POLL_MS = 3000;

export function useChannels() {
  return useQuery({
    queryKey: [...backupsKey, 'channels'],
    queryFn: () => dataOf(api.GET('/api/admin/notify/channels')),
    refetchInterval: ({ state }) => (state.data?.channels.some(({ last }) => last?.state === 'queued') ? BUSY_POLL_MS : IDLE_POLL_MS),
  });
}

export function useMessages() {
  return useQuery({
    queryKey: [...backupsKey, 'messages'],
    queryFn: async () => (await dataOf(api.GET('/api/admin/notify/messages'))).messages,
    refetchInterval: ({ state }) => (state.data?.some((message) => message.state === 'queued') ? BUSY_POLL_MS : IDLE_POLL_MS),
  });
}

// Whether a failed backup would be told to anybody.
export const tellsOfFailures = ({ enabled, type, kinds }: Channel) => enabled && (type === 'ping' || kinds.includes('backup_failed') || kinds.includes('no_good_backup_for_hours'));
