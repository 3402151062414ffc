// One archive's way to the service, by the tus protocol: in pieces, which survive a broken connection and a proxy that caps
// bodies; paused, gone on with and cancelled.

import { useCallback, useEffect, useRef, useState } from 'react';
import { DetailedError, Upload } from 'tus-js-client';
import { ApiError, unreachableError } from '../../api/client';
import { currentLanguage } from '../../i18n/language';

const PIECE_BYTES = 48_000_000; // proxies often cap bodies at 50 or 100 MB
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000];
const SPEED_WINDOW_MS = 4000;

export interface UploadState {
  state: 'idle' | 'running' | 'paused' | 'complete' | 'failed';
  sent: number;
  bytesPerSecond: number;
  id: string | null; // once it is complete
  error: unknown;
}

const idle: UploadState = { state: 'idle', sent: 0, bytesPerSecond: 0, id: null, error: null };

function asApiError(error: Error): unknown {
  if (!(error instanceof DetailedError) || !error.originalResponse) return unreachableError(error);
  try {
    const body = JSON.parse(error.originalResponse.getBody()) as Record<string, string>;
    return new ApiError(error.originalResponse.getStatus(), body.errorCode ?? '', body.error ?? error.message, body.details ?? null, body);
  } catch {
    return new ApiError(error.originalResponse.getStatus(), '', error.message);
  }
}

export function useUpload() {
  const [state, setState] = useState<UploadState>(idle);
  const upload = useRef<Upload | null>(null);
  useEffect(() => () => void upload.current?.abort(), []);

  const start = useCallback((file: File, onComplete: (id: string) => void) => {
    const marks: { at: number; sent: number }[] = [];
    setState({ ...idle, state: 'running' });
    const made = new Upload(file, {
      endpoint: '/api/admin/database/uploads',
      chunkSize: PIECE_BYTES,
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
      onError: (error) => setState((before) => ({ ...before, state: 'failed', error: asApiError(error) })),
      onSuccess() {
        const id = made.url!.split('/').pop()!;
        setState((before) => ({ ...before, state: 'complete', sent: file.size, id }));
        onComplete(id);
      },
    });
    upload.current = made;
    // One that was begun before, and is kept still, is gone on with.
    void made.findPreviousUploads().then((previous) => {
      if (upload.current !== made) return;
      if (previous[0]) made.resumeFromPreviousUpload(previous[0]);
      made.start();
    });
  }, []);

  // One that is complete on the service already.
  const adopt = useCallback((id: string, size: number) => setState({ ...idle, state: 'complete', sent: size, id }), []);
  const pause = useCallback(() => {
    void upload.current?.abort();
    setState((before) => ({ ...before, state: 'paused', bytesPerSecond: 0 }));
  }, []);
  const resume = useCallback(() => {
    upload.current?.start();
    setState((before) => ({ ...before, state: 'running', error: null }));
  }, []);
  // Also what has arrived goes.
  const cancel = useCallback(() => {
    void upload.current?.abort(true).catch(() => undefined); // it expires by itself
    upload.current = null;
    setState(idle);
  }, []);
  return { upload: state, start, adopt, pause, resume, cancel };
}
