// Requests by raw node:http, which sends exactly the given headers.

import http from 'node:http';
import { answerOf, checkAnswer } from './openapi.mjs';
import { allEvents } from './sse.mjs';

// Checks the answer against docs/openapi.json. Returns { status, headers, text, body } (body: parsed JSON), or { status,
// headers, events } for an event stream.
export async function readAnswer(response) {
  const { statusCode: status, headers } = response;
  const type = headers['content-type'] ?? '';
  if (type.startsWith('text/event-stream')) return { status, headers, events: await allEvents(response) };
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body = type.includes('json') && text !== '' ? JSON.parse(text) : undefined;
  if (body !== undefined) checkAnswer(answerOf(response), body);
  return { status, headers, text, body };
}

// A request without added credentials; `body` is sent as JSON.
export function request(service, method, path, { headers = {}, body, localAddress } = {}) {
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = http.request(
      {
        host: '127.0.0.1', port: service.port, method, path, agent: false, localAddress,
        headers: {
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          ...headers,
        },
      },
      (response) => readAnswer(response).then(resolve, reject),
    );
    call.on('error', reject);
    call.end(payload);
  });
}

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

// A request as the administrator, without a body: a promise of the unread IncomingMessage.
export function startRequest(service, method, path) {
  return new Promise((resolve, reject) => {
    const call = http.request({ host: '127.0.0.1', port: service.port, method, path, agent: false, headers: bearer(service.token) }, resolve);
    call.on('error', reject);
    call.end();
  });
}
