// The tus protocol by raw node:http, so that any request can be malformed, or cut at any byte.

import http from 'node:http';
import { readAnswer } from './http.mjs';

export const UPLOADS = '/api/admin/database/uploads';
export const metadata = (name) => `filename ${Buffer.from(name).toString('base64')}`;

// Starts one request; `headers` with the value undefined are left out. `cutAfter`: the number of bytes of the body after which the
// connection is destroyed. Returns { call, answer }.
export function startTus(service, method, path, { headers = {}, body, cutAfter, token = service.token } = {}) {
  const all = {
    'tus-resumable': '1.0.0',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(body ? { 'content-type': 'application/offset+octet-stream', 'content-length': body.length } : {}),
    ...headers,
  };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  const call = http.request({ host: '127.0.0.1', port: service.port, method, path, agent: false, headers: all });
  const answer = new Promise((resolve, reject) => {
    call.on('response', (response) => readAnswer(response).then(resolve, reject));
    call.on('error', reject);
    call.on('close', () => reject(new Error('closed without an answer')));
  });
  answer.catch(() => {});
  if (cutAfter !== undefined) {
    call.flushHeaders();
    if (cutAfter > 0) call.write(body.subarray(0, cutAfter), () => setTimeout(() => call.destroy(), 20));
    else setTimeout(() => call.destroy(), 20);
  } else {
    call.end(body);
  }
  return { call, answer };
}

export const tus = (service, method, path, options) => startTus(service, method, path, options).answer;

// Creates an upload; returns its path.
export async function createUpload(service, length, { name = 'backup.dump', headers = {}, ...options } = {}) {
  const answer = await tus(service, 'POST', UPLOADS, {
    headers: { 'upload-length': length, 'upload-metadata': metadata(name), ...headers }, ...options,
  });
  if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${answer.text}`);
  return answer.headers.location;
}

export const patch = (service, path, offset, body, { headers = {}, ...options } = {}) =>
  tus(service, 'PATCH', path, { headers: { 'upload-offset': offset, ...headers }, body, ...options });

export async function offsetOf(service, path) {
  const { status, headers } = await tus(service, 'HEAD', path);
  return status === 200 ? Number(headers['upload-offset']) : null;
}

// A whole upload in one piece; returns its id.
export async function uploadWhole(service, data, options) {
  const path = await createUpload(service, data.length, options);
  const answer = await patch(service, path, 0, data);
  if (answer.status !== 204) throw new Error(`not taken: ${answer.status} ${answer.text}`);
  return path.split('/').at(-1);
}
