// Whether the service, and through it the database, can be reached. Any request can notice that one is
// unreachable; it is then polled until it is back.

import { addressOf } from './address';

export type Connection = 'good' | 'offline' | 'service away' | 'database away';

const ASK_AGAIN_MS = 2000;
const ASK_PATIENCE_MS = 5000;
// A proxy's answers for an unreachable service.
const isProxys = (response: Response) => [502, 504].includes(response.status) || (response.status === 503 && !isJson(response));
const isJson = (response: Response) => /\bjson\b/.test(response.headers.get('Content-Type') ?? '');

let current: Connection = navigator.onLine ? 'good' : 'offline';
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

export const connection = (): Connection => current;

export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function become(next: Connection): void {
  if (next !== 'good' && timer === undefined) timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
  if (next === current) return;
  current = next;
  for (const listener of listeners) listener();
}

async function found(): Promise<Connection> {
  if (!navigator.onLine) return 'offline';
  try {
    const response = await fetch(addressOf('/api/health'), { cache: 'no-store', signal: AbortSignal.timeout(ASK_PATIENCE_MS) });
    if (isProxys(response) || !isJson(response)) return 'service away';
    const health = (await response.json()) as { components?: { database?: { status?: string } } };
    return health.components?.database?.status === 'down' ? 'database away' : 'good';
  } catch {
    return navigator.onLine ? 'service away' : 'offline';
  }
}

async function ask(): Promise<void> {
  const next = await found();
  timer = undefined;
  become(next);
}

// The result of a request.
export function noteAnswer(response: Response): void {
  if (isProxys(response)) become('service away');
  else if (current === 'service away' || current === 'offline') suspect();
}

export function noteSilence(): void {
  become(navigator.onLine ? 'service away' : 'offline');
}

// Polls now, because something has changed.
export function suspect(): void {
  clearTimeout(timer);
  timer = undefined;
  void ask();
}

export function noteDatabaseAway(): void {
  if (current === 'good') become('database away');
}

window.addEventListener('offline', () => become('offline'));
window.addEventListener('online', suspect);
if (current !== 'good') become(current);
