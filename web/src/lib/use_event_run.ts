// The state, from start to end, of an operation that reports its progress in an event stream.

import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/client';
import { requestEvents, type ProgressEvent } from '../api/events';
import { addOwnOperation } from './own_operations';

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
  log: LogLine[]; // at most MAX_LOG lines
  error: unknown; // refused before it began, or broken off with an unknown outcome
  isCancelled: boolean; // by us
}

type Request = RequestInit & { url: string };

const MAX_LOG = 5000;
const RECONNECT_PAUSE_MS = 1500;
const RECONNECT_FOR_MS = 45_000;

// A stream broke off, and the service that knew the outcome has been restarted. `wasApplied` is null when even the database could not
// be asked.
export class BrokenStream extends Error {
  constructor(readonly wasApplied: boolean | null) {
    super();
  }
}

export interface EventRunOptions {
  // A started operation is remembered under this name until `reset`, so that the page can `recall` it after a reload.
  remember?: string;
  // Asks the database whether the operation that began at `since` (by the service's clock) was committed; null: not known yet.
  wasApplied?(since: string): Promise<boolean | null>;
}

interface Begun {
  operation: string;
  since: string;
}

function remembered(name: string | undefined): Begun | null {
  try {
    return name === undefined ? null : (JSON.parse(sessionStorage.getItem(name) ?? 'null') as Begun | null);
  } catch {
    return null;
  }
}

const idle = { state: 'idle' as const, startedAt: 0, endedAt: 0, latest: null, last: null, log: [], error: null, isCancelled: false };

function withEvent<Event extends ProgressEvent>(run: EventRun<Event>, event: Event): EventRun<Event> {
  const log = event.message ? [...run.log.slice(-MAX_LOG + 1), { text: event.message, isWarning: event.warning === true }] : run.log;
  const isLast = event.type !== 'progress';
  return { ...run, latest: event, log, ...(isLast ? { last: event, state: 'ended' as const, endedAt: Date.now() } : { state: 'running' as const }) };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// `follow` sends the operation's request, or watches an operation that runs already. When the stream breaks or is cancelled, it asks
// the service for the outcome, which the service remembers for a while.
export function useEventRun<Event extends ProgressEvent>({ remember, wasApplied }: EventRunOptions = {}) {
  const [run, setRun] = useState<EventRun<Event>>(idle);
  const current = useRef<{ controller: AbortController; begun: Begun | null } | null>(null);
  useEffect(() => () => current.current?.controller.abort(), []);

  // A new stream replaces the previous one, whose events are ignored from now on.
  const take = useCallback((begun: Begun | null) => {
    current.current?.controller.abort();
    const mine = { controller: new AbortController(), begun };
    current.current = mine;
    const update = (change: (before: EventRun<Event>) => EventRun<Event>) => current.current === mine && setRun(change);
    // True when the outcome was reported.
    const read = async (address: string, options: RequestInit): Promise<boolean> => {
      let isEnded = false;
      const onResponse = ({ headers }: Response) => {
        const operation = headers.get('X-Operation-Id');
        if (operation === null) return;
        addOwnOperation(operation);
        mine.begun = { operation, since: new Date(headers.get('Date') ?? Date.now()).toISOString() };
        if (remember !== undefined) sessionStorage.setItem(remember, JSON.stringify(mine.begun));
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
  }, [remember]);

  const askForEnd = useCallback(async ({ mine, read, end, isOver }: ReturnType<typeof take>) => {
    const until = Date.now() + RECONNECT_FOR_MS;
    const { begun } = mine;
    for (let isForgotten = false; begun !== null && !isOver() && Date.now() < until; await sleep(RECONNECT_PAUSE_MS)) {
      try {
        if (!isForgotten && (await read(`/api/admin/database/operations/${encodeURIComponent(begun.operation)}/events`, {}))) return;
      } catch (error) {
        if (!(error instanceof ApiError)) continue;
        if (error.status === 401) break;
        isForgotten = error.status === 404; // the service has been restarted
      }
      const found = isForgotten && wasApplied ? await wasApplied(begun.since).catch(() => null) : null;
      if (found !== null) return end(new BrokenStream(found));
    }
    if (!isOver()) end(new BrokenStream(null));
  }, [wasApplied]);

  const follow = useCallback(async ({ url, ...init }: Request) => {
    setRun({ ...idle, state: 'running', startedAt: Date.now() });
    const stream = take(null);
    try {
      if (await stream.read(url, init)) return;
    } catch (error) {
      if (stream.isOver()) return;
      if (stream.mine.begun === null) return stream.end(error); // refused before it began
    }
    stream.update((before) => ({ ...before, state: 'broken' }));
    await askForEnd(stream);
  }, [take, askForEnd]);

  // The service notices that nobody reads, and rolls back unless it has committed. So it is asked for the outcome.
  const cancel = useCallback(async () => {
    const stream = take(current.current?.begun ?? null);
    setRun((before) => ({ ...before, state: 'broken', isCancelled: true }));
    await askForEnd(stream);
  }, [take, askForEnd]);

  // After a reload, which ended the request, and with it the operation unless it had committed.
  const recall = useCallback(() => {
    const begun = remembered(remember);
    if (begun === null) return;
    setRun({ ...idle, state: 'broken', startedAt: Date.parse(begun.since) });
    void askForEnd(take(begun));
  }, [take, askForEnd, remember]);

  const reset = useCallback(() => {
    take(null);
    if (remember !== undefined) sessionStorage.removeItem(remember);
    setRun(idle);
  }, [take, remember]);
  return { run, follow, cancel, recall, reset };
}
