// Multipart uploads by raw node:http: streamed from a file, or broken in any way that a client can cause.

import { createReadStream, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readAnswer } from './http.mjs';

const BOUNDARY = '----cch-data-test-boundary';

const field = (name, value) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

// The parts of a form around its file.
export function multipartFrame(filename, fields, { fieldsLast = false } = {}) {
  const before = Object.entries(fields).map(([name, value]) => field(name, value)).join('');
  const head =
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n';
  return fieldsLast
    ? { prefix: Buffer.from(head), suffix: Buffer.from(`\r\n${before}--${BOUNDARY}--\r\n`) }
    : { prefix: Buffer.from(before + head), suffix: Buffer.from(`\r\n--${BOUNDARY}--\r\n`) };
}

// Starts an upload. Options:
//   file, or data (a Buffer)   the upload; `filename` is its name in the form
//   path                       the endpoint (default: the import)
//   fields, fieldsLast         the other fields, and whether they come after the file
//   chunked                    without Content-Length
//   contentLength              a false one
//   cutAfter                   bytes of the file after which the connection is destroyed
//   stallAfter, stallMs        bytes of the file before a pause, and its length
//   chunkBytes                 size of one write
// Returns { request, response, sent }: `response` is a promise of the IncomingMessage; `sent` of the end of sending.
export function startUpload(service, options) {
  const { file, data, fields = {}, fieldsLast, headers = {}, chunked, contentLength } = options;
  const filename = options.filename ?? (file ? path.basename(file) : 'backup.dump');
  const { prefix, suffix } = multipartFrame(filename, fields, { fieldsLast });
  const size = file ? statSync(file).size : data.length;
  const request = http.request({
    host: '127.0.0.1',
    port: service.port,
    path: options.path ?? '/api/admin/database/import',
    method: 'POST',
    agent: false,
    headers: {
      ...(service.token ? { authorization: `Bearer ${service.token}` } : {}),
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      ...(chunked ? {} : { 'content-length': contentLength ?? prefix.length + size + suffix.length }),
      ...headers,
    },
  });
  const response = new Promise((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
    request.on('close', () => reject(new Error('closed without a response')));
  });
  response.catch(() => {});
  return { request, response, sent: send(request, prefix, suffix, options) };
}

async function send(request, prefix, suffix, { file, data, cutAfter, stallAfter, stallMs, chunkBytes = 256 * 1024 }) {
  let gone = false;
  request.on('close', () => (gone = true));
  request.on('error', () => (gone = true));
  const write = (buffer) =>
    new Promise((resolve) => {
      if (gone || request.write(buffer)) return resolve();
      const done = () => {
        request.off('drain', done);
        request.off('close', done);
        resolve();
      };
      request.on('drain', done);
      request.on('close', done);
    });
  await write(prefix);
  let sent = 0;
  for await (const chunk of file ? createReadStream(file, { highWaterMark: chunkBytes }) : slices(data, chunkBytes)) {
    const limit = cutAfter ?? Infinity;
    const piece = sent + chunk.length > limit ? chunk.subarray(0, limit - sent) : chunk;
    const stall = stallAfter !== undefined && sent <= stallAfter && sent + piece.length > stallAfter;
    if (piece.length) await write(piece);
    sent += piece.length;
    if (stall) await delay(stallMs);
    if (sent >= limit) {
      await delay(50);
      request.destroy();
      return;
    }
    if (gone) return;
  }
  await write(suffix);
  if (!gone) request.end();
}

function* slices(data, size) {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

// A whole upload: { status, headers, events } for a stream, { status, headers, body } for anything else.
export async function upload(service, options) {
  const { response } = startUpload(service, options);
  return readAnswer(await response);
}
