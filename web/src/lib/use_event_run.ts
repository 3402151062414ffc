// An operation that tells its progress in a stream of events, from its start to its end: what the page shows of it.

import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/client';
import { requestEvents, type ProgressEvent } from '../api/events';

export interface LogLine {
  text: string;
  isWarning: boolean;
}

export interface EventRun<Event extends ProgressEvent> {
  state: 'idle' | 'running' | 'broken' | 'ended';
  startedAt: number; // milliseconds
  endedAt: number;
  latest: Event | null; // the newest, for its counts
  last: Event | null; // complete or error
  log: LogLine[]; // what was said, at most MAX_LOG lines
  error: unknown; // refused before it began, or broken off with an unknown end
  isCancelled: boolean; // by us
}

type Request = RequestInit & { url: string };

const MAX_LOG = 5000;
const RECONNECT_PAUSE_MS = 1500;
const RECONNECT_FOR_MS = 45_000;

// A stream broke off: its end is not known.
export class BrokenStream extends Error {}

const idle = { state: 'idle' as const, startedAt: 0, endedAt: 0, latest: null, last: null, log: [], error: null, isCancelled: false };

function withEvent<Event extends ProgressEvent>(run: EventRun<Event>, event: Event): EventRun<Event> {
  const log = event.message ? [...run.log.slice(-MAX_LOG + 1), { text: event.message, isWarning: event.warning === true }] : run.log;
  const isLast = event.type !== 'progress';
  return { ...run, latest: event, log, ...(isLast ? { last: event, state: 'ended' as const, endedAt: Date.now() } : { state: 'running' as const }) };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// `follow` sends a request that is the operation, or watches one that runs already. When the stream breaks, or is cancelled, the
// service is asked for the operation's end, which it remembers for a while.
export function useEventRun<Event extends ProgressEvent>() {
  const [run, setRun] = useState<EventRun<Event>>(idle);
  const current = useRef<{ controller: AbortController; operation: string | null } | null>(null);
  useEffect(() => () => current.current?.controller.abort(), []);

  // A new stream takes the place of the one before, whose news are not heard any more.
  const take = useCallback((operation: string | null) => {
    current.current?.controller.abort();
    const mine = { controller: new AbortController(), operation };
    current.current = mine;
    const update = (change: (before: EventRun<Event>) => EventRun<Event>) => current.current === mine && setRun(change);
    // True when an end was told.
    const read = async (address: string, options: RequestInit): Promise<boolean> => {
      let isEnded = false;
      const onResponse = (response: Response) => {
        mine.operation = response.headers.get('X-Operation-Id') ?? mine.operation;
      };
      for await (const event of requestEvents<Event>(address, { ...options, signal: mine.controller.signal, onResponse })) {
        update((before) => withEvent(before, event));
        isEnded ||= event.type !== 'progress';
      }
      return isEnded;
    };
    const end = (error: unknown) => update((before) => ({ ...before, state: 'ended', endedAt: Date.now(), error }));
    const isOver = () => mine.controller.signal.aborted;
    return { mine, update, read, end, isOver };
  }, []);

  const askForEnd = useCallback(async ({ mine, read, end, isOver }: ReturnType<typeof take>) => {
    const until = Date.now() + RECONNECT_FOR_MS;
    while (mine.operation !== null && !isOver() && Date.now() < until) {
      await sleep(RECONNECT_PAUSE_MS);
      try {
        if (await read(`/api/admin/database/operations/${encodeURIComponent(mine.operation)}/events`, {})) return;
      } catch (error) {
        if (error instanceof ApiError && (error.status === 404 || error.status === 401)) break; // another process by now
      }
    }
    if (!isOver()) end(new BrokenStream());
  }, []);

  const follow = useCallback(async ({ url, ...init }: Request) => {
    setRun({ ...idle, state: 'running', startedAt: Date.now() });
    const stream = take(null);
    try {
      if (await stream.read(url, init)) return;
    } catch (error) {
      if (stream.isOver()) return;
      if (stream.mine.operation === null) return stream.end(error); // refused before it began
    }
    stream.update((before) => ({ ...before, state: 'broken' }));
    await askForEnd(stream);
  }, [take, askForEnd]);

  // The service notices that nobody reads any more, and rolls back, unless it has committed: so it is asked.
  const cancel = useCallback(async () => {
    const stream = take(current.current?.operation ?? null);
    setRun((before) => ({ ...before, state: 'broken', isCancelled: true }));
    await askForEnd(stream);
  }, [take, askForEnd]);

  const reset = useCallback(() => {
    take(null);
    setRun(idle);
  }, [take]);
  return { run, follow, cancel, reset };
}
