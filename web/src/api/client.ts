// Requests to the service, typed by its OpenAPI document. Failures of any kind become an ApiError, whose message is what the
// service says in the reader's language.

import createClient from 'openapi-fetch';
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
    readonly status: number, // 0: no answer at all
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

const unreachable: Record<string, string> = {
  'zh-CN': '无法连接到服务，请检查网络或服务是否在运行',
  en: 'The service cannot be reached: check the network, and whether it is running',
};

export function unreachableError(cause: unknown): ApiError {
  const details = cause instanceof Error ? cause.message : String(cause);
  return new ApiError(0, 'network', unreachable[currentLanguage()]!, details);
}

// The error in an answer that is none of the successes: {error, details, errorCode} or problem+json.
export function errorOf(response: Response, body: unknown): ApiError {
  const object = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string) => (typeof object[name] === 'string' ? (object[name] as string) : null);
  const retryAfter = Number(response.headers.get('Retry-After'));
  return new ApiError(
    response.status, text('errorCode') ?? `http.${response.status}`,
    text('error') ?? text('title') ?? `HTTP ${response.status} ${response.statusText}`,
    text('details') ?? text('detail'), object, retryAfter > 0 ? retryAfter : null,
  );
}

// Somebody whose session has ended is asked to sign in again, wherever that is noticed.
let onSignedOut: () => void = () => undefined;
export function setOnSignedOut(action: () => void): void {
  onSignedOut = action;
}

// fetch, with the language, and failures as ApiErrors.
export async function request(input: string | Request, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set('Accept-Language', currentLanguage());
  let response: Response;
  try {
    response = await fetch(input, { ...init, headers });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw unreachableError(cause);
  }
  if (response.ok) return response;
  const error = errorOf(response, await response.json().catch(() => null));
  if (error.status === 401 && !response.url.endsWith('/api/auth/login')) onSignedOut();
  throw error;
}

// api.GET('/api/…') and so on: `data` is what a success has; a failure is thrown.
export const api = createClient<paths>({ fetch: (input) => request(input) });

// The data of a call, which is there unless it threw.
export async function dataOf<Data>(call: Promise<{ data?: Data }>): Promise<Data> {
  return (await call).data as Data;
}
