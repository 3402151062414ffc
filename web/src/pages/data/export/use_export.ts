// An export as the page follows it: the browser downloads the archive, events show the progress.

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { addressOf } from '../../../api/address';
import { api, dataOf, type Schemas } from '../../../api/client';
import type { ProgressEvent } from '../../../api/events';
import { addOwnOperation } from '../../../lib/own_operations';
import { randomId } from '../../../lib/random_id';
import { useEventRun } from '../../../lib/use_event_run';
import { exportsKey, statusKey } from '../queries';

type ExportEvent = ProgressEvent & { fileName?: string; sha256?: string; archiveBytes?: number; warnings?: string[] };

const BEGIN_PATIENCE_MS = 20_000;
const BEGIN_POLL_MS = 300;

// Clicks a link, so that the browser downloads the file without passing it through the page.
function download(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// Starts a download and follows its operation, whose id is chosen here. The operation's events tell whether it begins or is refused.
export function useExport() {
  const queries = useQueryClient();
  const { run, follow, reset } = useEventRun<ExportEvent>();
  const [state, setState] = useState<'idle' | 'waiting' | 'begun' | 'not begun'>('idle');
  const [error, setError] = useState<unknown>(null);

  const start = async (excludeLogs: boolean, compression: Schemas['Compression']) => {
    setError(null);
    reset();
    setState('waiting');
    const id = randomId();
    addOwnOperation(id);
    download(addressOf(`/api/admin/database/export?${new URLSearchParams({ excludeLogs: String(excludeLogs), compression, operation: id })}`));
    const until = Date.now() + BEGIN_PATIENCE_MS;
    try {
      while (Date.now() < until) {
        await sleep(BEGIN_POLL_MS);
        const { operations } = await dataOf(api.GET('/api/admin/database/operations', { params: { query: { ended: true } } }));
        if (!operations.some((operation) => operation.id === id)) continue;
        setState('begun');
        return void follow({ url: `/api/admin/database/operations/${id}/events` });
      }
      setState('not begun');
    } catch (cause) {
      setState('idle');
      setError(cause);
    }
  };
  useEffect(() => {
    if (run.state !== 'ended') return;
    void queries.invalidateQueries({ queryKey: exportsKey });
    void queries.invalidateQueries({ queryKey: statusKey });
  }, [queries, run.state]);
  return { run, state, error, start };
}
