// Server-sent events of a fetch, also of a POST. An event, and even a character, may be split across chunks.

import { EventSourceParserStream } from 'eventsource-parser/stream';
import { request } from './client';

export interface ProgressEvent {
  type: 'progress' | 'complete' | 'error';
  message: string;
  exitCode?: number;
  errorCode?: string;
  phase?: string;
  table?: string;
  rows?: number;
  rowsTotal?: number;
  bytes?: number;
  bytesTotal?: number;
  percent?: number;
  secondsLeft?: number | null;
  upload?: { bytes: number; bytesTotal: number; isWaiting: boolean }; // that the operation reads while it arrives
  warning?: boolean;
  warningCount?: number;
  errorCount?: number;
}

// Yields each event until the stream ends, with or without a final event.
export async function* eventsOf<Event extends ProgressEvent>(response: Response): AsyncGenerator<Event> {
  if (!response.body) return;
  const reader = response.body
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield JSON.parse(value.data) as Event;
  }
}

export async function* requestEvents<Event extends ProgressEvent>(
  input: string, init: RequestInit & { onResponse?: (response: Response) => void } = {},
): AsyncGenerator<Event> {
  const response = await request(input, init);
  init.onResponse?.(response);
  yield* eventsOf<Event>(response);
}
