// Requests to the service, typed by its OpenAPI document. Failures of any kind become an ApiError, whose message is what the
// service says in the reader's language.

import createClient from 'openapi-fetch';
import { addressOf, prefix } from './address';
import { noteAnswer, noteDatabaseAway, noteSilence, suspect } from './connection';
import { currentLanguage } from '../i18n/language';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

export interface InvalidParam {
  path: string;
  code: string;
  message: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer
    readonly errorCode: string,
    message: string,
    readonly details: string | null = null,
    readonly body: Record<string, unknown> = {},
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  get invalidParams(): InvalidParam[] {
    return Array.isArray(this.body.invalidParams) ? (this.body.invalidParams as InvalidParam[]) : [];
  }
}

const words = {
  unreachable: ['无法连接到服务，请检查网络或服务是否在运行', 'The service cannot be reached: check the network, and whether it is running'],
  proxyLimit: [
    '途中的代理不允许这么大的请求（HTTP 413）：请调大它的限制，例如 nginx 的 client_max_body_size',
    'A proxy on the way allows no requests of this size (HTTP 413): raise its limit, such as client_max_body_size of nginx',
  ],
  notOurs: ['途中的代理返回了 HTTP {status}', 'A proxy on the way answered HTTP {status}'],
} as const;

const say = (name: keyof typeof words) => words[name][currentLanguage() === 'en' ? 1 : 0];

export const unreachableError = (): ApiError => new ApiError(0, 'network', say('unreachable'));

// The error of an answer that does not come from the service.
export const proxyError = (status: number): ApiError =>
  new ApiError(status, `http.${status}`, status === 413 ? say('proxyLimit') : say('notOurs').replace('{status}', String(status)));

// The error of a failed request: {error, details, errorCode} or problem+json.
export function errorOf(response: Response, body: unknown): ApiError {
  if (typeof body !== 'object' || body === null) return proxyError(response.status);
  const object = body as Record<string, unknown>;
  const text = (name: string) => (typeof object[name] === 'string' ? (object[name] as string) : null);
  const retryAfter = Number(response.headers.get('Retry-After'));
  return new ApiError(
    response.status, text('errorCode') ?? `http.${response.status}`,
    text('error') ?? text('title') ?? `HTTP ${response.status} ${response.statusText}`,
    text('details') ?? text('detail'), object, retryAfter > 0 ? retryAfter : null,
  );
}

// Asks for a new sign-in when the session has ended, whichever request notices it.
let onSignedOut: () => void = () => undefined;
export function setOnSignedOut(action: () => void): void {
  onSignedOut = action;
}

// For code that notices the end of the session outside of `request`.
export const signedOut = (): void => onSignedOut();

const SILENCE_MS = 4000;
// Codes of failures that make all other requests fail, too.
const DATABASE_AWAY = ['database.unavailable', 'database.authentication_failed', 'database.missing'];

// fetch with the reader's language; failures are ApiErrors. A string is an address below the service's own.
export async function request(input: string | Request, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set('Accept-Language', currentLanguage());
  let response: Response;
  const silence = setTimeout(suspect, SILENCE_MS);
  try {
    response = await fetch(typeof input === 'string' ? addressOf(input) : input, { ...init, headers });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    noteSilence();
    throw unreachableError();
  } finally {
    clearTimeout(silence);
  }
  noteAnswer(response);
  if (response.ok) return response;
  const error = errorOf(response, await response.json().catch(() => null));
  if (error.status === 401 && !response.url.endsWith('/api/auth/login')) onSignedOut();
  if (DATABASE_AWAY.includes(error.errorCode)) noteDatabaseAway();
  throw error;
}

// api.GET('/api/…') and so on. `data` is the body of a success; a failure is thrown.
export const api = createClient<paths>({ baseUrl: prefix, fetch: (input) => request(input) });

// The data of a call that did not throw.
export async function dataOf<Data>(call: Promise<{ data?: Data }>): Promise<Data> {
  return (await call).data as Data;
}
