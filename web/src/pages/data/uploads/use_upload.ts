// The upload of one archive by the tus protocol: in pieces, which survive a broken connection and a proxy that limits the size of
// bodies. It can be paused, resumed and cancelled.

import { useCallback, useEffect, useRef, useState } from 'react';
import { DetailedError, Upload } from 'tus-js-client';
import { addressOf } from '../../../api/address';
import { ApiError, proxyError, signedOut, unreachableError } from '../../../api/client';
import { currentLanguage } from '../../../i18n/language';

const PIECE_BYTES = 48 * 1024 * 1024; // proxies often cap bodies at 50 or 100 MB
const LEAST_PIECE_BYTES = 256 * 1024;
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000];
const SPEED_WINDOW_MS = 4000;

export interface UploadState {
  state: 'idle' | 'running' | 'paused' | 'complete' | 'failed';
  sent: number;
  bytesPerSecond: number;
  id: string | null; // once the service has it
  error: unknown;
  limit: number | null; // bytes in one request that a proxy refused
}

export interface UploadListener {
  begin?(id: string): void; // the service has it, and takes its bytes; called once
  complete?(id: string): void;
}

const idle: UploadState = { state: 'idle', sent: 0, bytesPerSecond: 0, id: null, error: null, limit: null };

// The size of a piece that was accepted the last time; a proxy's limit does not change.
let pieceBytes = PIECE_BYTES;

function asApiError(error: Error): unknown {
  if (!(error instanceof DetailedError) || !error.originalResponse) return unreachableError();
  const status = error.originalResponse.getStatus();
  if (status === 401) signedOut();
  try {
    const body = JSON.parse(error.originalResponse.getBody()) as Record<string, string>;
    return new ApiError(status, body.errorCode ?? '', body.error ?? error.message, body.details ?? null, body);
  } catch {
    return proxyError(status);
  }
}

export function useUpload() {
  const [state, setState] = useState<UploadState>(idle);
  const upload = useRef<Upload | null>(null);
  useEffect(() => () => void upload.current?.abort(), []);

  // `url` resumes an upload that the service has already.
  const send = useCallback((file: File, on: UploadListener, url: string | null) => {
    const marks: { at: number; sent: number }[] = [];
    const tried = pieceBytes;
    const made: Upload = new Upload(file, {
      endpoint: addressOf('/api/admin/database/uploads'),
      uploadUrl: url,
      chunkSize: tried,
      retryDelays: RETRY_DELAYS_MS,
      metadata: { filename: file.name },
      headers: { 'Accept-Language': currentLanguage() },
      removeFingerprintOnSuccess: true,
      onProgress(sent) {
        const at = Date.now();
        marks.push({ at, sent });
        while (marks[0] && marks[0].at < at - SPEED_WINDOW_MS) marks.shift();
        const first = marks[0]!;
        const bytesPerSecond = at > first.at ? ((sent - first.sent) * 1000) / (at - first.at) : 0;
        setState((before) => ({ ...before, sent, bytesPerSecond }));
      },
      onUploadUrlAvailable() {
        if (upload.current !== made) return;
        const id = made.url!.split('/').pop()!;
        setState((before) => ({ ...before, id }));
        on.begin?.(id);
      },
      onError(error) {
        if (upload.current !== made) return;
        const found = asApiError(error);
        const isTooLarge = found instanceof ApiError && found.errorCode === 'http.413';
        if (isTooLarge && tried > LEAST_PIECE_BYTES) {
          pieceBytes = Math.max(LEAST_PIECE_BYTES, Math.floor(Math.min(tried, file.size) / 2));
          setState((before) => ({ ...before, limit: Math.min(tried, file.size) }));
          send(file, on, made.url);
        } else {
          setState((before) => ({ ...before, state: 'failed', error: found, limit: isTooLarge ? tried : before.limit }));
        }
      },
      onSuccess() {
        const id = made.url!.split('/').pop()!;
        setState((before) => ({ ...before, state: 'complete', sent: file.size, id }));
        on.complete?.(id);
      },
    });
    upload.current = made;
    if (url !== null) return made.start();
    // Resumes an earlier upload that is still kept.
    void made.findPreviousUploads().then((previous) => {
      if (upload.current !== made) return;
      if (previous[0]) made.resumeFromPreviousUpload(previous[0]);
      made.start();
    });
  }, []);

  const start = useCallback((file: File, on: UploadListener) => {
    setState({ ...idle, state: 'running' });
    let isBegun = false; // the client tells it after each interruption
    const begin = (id: string) => {
      if (!isBegun) on.begin?.(id);
      isBegun = true;
    };
    send(file, { ...on, begin }, null);
  }, [send]);

  // An upload that is already complete.
  const adopt = useCallback((id: string, size: number) => setState({ ...idle, state: 'complete', sent: size, id }), []);
  const pause = useCallback(() => {
    void upload.current?.abort();
    setState((before) => ({ ...before, state: 'paused', bytesPerSecond: 0 }));
  }, []);
  const resume = useCallback(() => {
    upload.current?.start();
    setState((before) => ({ ...before, state: 'running', error: null }));
  }, []);
  // Removes what has arrived. A complete archive stays and is offered again.
  const cancel = useCallback(() => {
    const isWhole = state.state === 'complete';
    if (!isWhole) void upload.current?.abort(true).catch(() => undefined); // it expires by itself
    upload.current = null;
    setState(idle);
  }, [state.state]);
  return { upload: state, start, adopt, pause, resume, cancel };
}
