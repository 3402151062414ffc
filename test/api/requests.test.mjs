// Requests as bytes: anything that two parsers could read differently gets 400, and the connection is closed.

import assert from 'node:assert/strict';
import net from 'node:net';
import { before, describe, test } from 'node:test';
import { Database } from './support/database.mjs';
import { bearer, request } from './support/http.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, adminToken, haveBinary } from './support/service.mjs';

describe('requests as bytes', { skip: !haveBinary && 'no binary' }, () => {
  let service;
  before(async () => {
    const server = await startPostgres();
    const database = await Database.create(server);
    service = await Service.start({ dsn: database.dsn, env: { TRUST_PROXY: 'true' } });
  });

  // Sends `pieces` one by one. Returns everything received until the server closes, or until `ms` after the last byte.
  function exchange(pieces, { ms = 3000, gapMs = 20 } = {}) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(service.port, '127.0.0.1');
      let text = '', timer;
      const end = (isClosed) => { clearTimeout(timer); socket.destroy(); resolve({ text, isClosed }); };
      const wait = () => { clearTimeout(timer); timer = setTimeout(end, ms, false); };
      socket.on('error', reject);
      socket.on('data', (chunk) => { text += chunk.toString('latin1'); wait(); });
      socket.on('end', () => end(true));
      wait();
      (async () => {
        for (const piece of [pieces].flat()) {
          socket.write(Buffer.from(piece, 'latin1'));
          wait();
          await new Promise((next) => setTimeout(next, gapMs));
        }
      })();
    });
  }

  const login = (fields, body) => `POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${fields}\r\n${body}`;

  for (const [what, bytes] of [
    ['Content-Length twice', login('Content-Length: 2\r\nContent-Length: 3\r\n', '{}')],
    ['Content-Length twice, equal', login('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
    ['Content-Length as a list', login('Content-Length: 2, 2\r\n', '{}')],
    ['Content-Length with a sign', login('Content-Length: +2\r\n', '{}')],
    ['Content-Length in hexadecimal', login('Content-Length: 0x2\r\n', '{}')],
    ['Content-Length beyond all numbers', login('Content-Length: 99999999999999999999\r\n', '{}')],
    ['Content-Length beside Transfer-Encoding', login('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['an unknown coding', login('Transfer-Encoding: gzip, chunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['a coding in disguise', login('Transfer-Encoding: xchunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['Transfer-Encoding twice', login('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['Transfer-Encoding over HTTP/1.0', 'POST /api/auth/login HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk with an invalid size', login('Transfer-Encoding: chunked\r\n', '0x2\r\n{}\r\n0\r\n\r\n')],
    ['a chunk with a signed size', login('Transfer-Encoding: chunked\r\n', '+2\r\n{}\r\n0\r\n\r\n')],
    ['a chunk with a size beyond all numbers', login('Transfer-Encoding: chunked\r\n', 'ffffffffffffffffff\r\n{}\r\n0\r\n\r\n')],
    ['a chunk that is longer than its size', login('Transfer-Encoding: chunked\r\n', '2\r\n{}}\r\n0\r\n\r\n')],
    ['a chunk that ends with a bare LF', login('Transfer-Encoding: chunked\r\n', '2\r\n{}\n0\r\n\r\n')],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n 2\r\n\r\n'],
    ['a bare LF', 'GET / HTTP/1.1\nHost: x\n\n'],
    ['a bare LF between headers', 'GET / HTTP/1.1\r\nHost: x\nX-A: 1\r\n\r\n'],
    ['a bare CR', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r2\r\n\r\n'],
    ['a NUL', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\x002\r\n\r\n'],
    ['a control character', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\x012\r\n\r\n'],
    ['a blank before a colon', 'GET / HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n\r\n'],
    ['a line without a colon', 'GET / HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n'],
    ['a line without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n'],
    ['several Host lines', 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\nX-A: 1\r\n\r\n'],
    ['a Host that is none', 'GET / HTTP/1.1\r\nHost: x/y, z\r\n\r\n'],
    ['a target of another host', 'GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['blanks in the request line', 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another protocol', 'GET / HTTP/3.0\r\nHost: x\r\n\r\n'],
    ['a protocol with a tail', 'GET / HTTP/1.1x\r\nHost: x\r\n\r\n'],
    ['Authorization twice', `GET /api/admin/database/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\nAuthorization: Bearer other\r\n\r\n`],
  ]) {
    test(`${what} is 400, and the connection is closed`, async () => {
      const smuggled = 'GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n';
      const { text, isClosed } = await exchange(bytes + smuggled);
      assert.match(text, /^HTTP\/1\.1 400 /, text);
      assert.match(text, /\r\nConnection: close\r\n/);
      assert.match(text, /"errorCode":"request\.invalid"/);
      assert.equal(text.match(/^HTTP\/1\.1 \d/gm).length, 1, 'what follows is no request');
      assert.ok(isClosed, 'it is closed');
    });
  }

  test('headers that are too large are 431', async () => {
    const { text, isClosed } = await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'x'.repeat(40_000)}\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 431 /);
    assert.ok(isClosed);
  });

  test('requests one behind the other, in any pieces, are answered in their order', async () => {
    const bytes = login('Transfer-Encoding: chunked\r\n', '5;x=y\r\n{"key\r\n7\r\n":"no"}\r\n0\r\nX-Trailer: 1\r\n\r\n') +
      'GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n' + 'GET /nothing/here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    for (const size of [1, 7, 1000]) {
      const pieces = bytes.match(new RegExp(`[^]{1,${size}}`, 'g'));
      const { text, isClosed } = await exchange(size === 1 ? pieces.slice(0, 40).concat(pieces.slice(40).join('')) : pieces);
      assert.deepEqual([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]), ['401', '200', '404'], text);
      assert.ok(isClosed);
    }
  });

  test('empty lines before a request are passed over, in any pieces', async () => {
    for (const pieces of ['\r\n\r\nGET', ['\r', '\nGET'], ['\r\n', '\r', '\n', 'GET']]) {
      const { text } = await exchange([...[pieces].flat(), ' /api/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']);
      assert.match(text, /^HTTP\/1\.1 200 /, JSON.stringify(pieces));
    }
  });

  test('HTTP/1.0 and HEAD: no chunks, no body, and the end of the connection', async () => {
    const old = await exchange('GET /api/health/live HTTP/1.0\r\n\r\n');
    assert.match(old.text, /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
    assert.doesNotMatch(old.text, /Transfer-Encoding/);
    assert.ok(old.isClosed);
    const line = 'HEAD /api/health/live HTTP/1.1\r\nHost: x\r\n';
    const head = await exchange(`${line}\r\n${line}Connection: close\r\n\r\n`);
    const answers = head.text.split('\r\n\r\n');
    assert.equal(answers.length, 3, head.text);
    assert.equal(answers[2], '', 'nothing follows a head');
    assert.match(answers[0], /\r\nContent-Length: [1-9]/);
  });

  test('after an error whose body was read, the connection goes on', async () => {
    const { text } = await exchange(login('Content-Length: 5\r\n', '{"key') + 'GET /nothing/here HTTP/1.1\r\nHost: x\r\n\r\n' +
      'GET /api/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.deepEqual([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]), ['400', '404', '200'], text);
  });

  test('a client that leaves while its refusal is written ends nothing but its connection', async () => {
    await Promise.all(Array.from({ length: 100 }, () => new Promise((resolve) => {
      const socket = net.connect(service.port, '127.0.0.1', () => {
        socket.write('GET / HTTP/1.1\nbad\n\n');
        socket.resetAndDestroy();
      });
      socket.on('error', () => {});
      socket.on('close', resolve);
    })));
    assert.equal((await request(service, 'GET', '/api/health/live')).status, 200);
  });

  test('an announced body is asked for, and one that is refused is not', async () => {
    const asked = await exchange([login('Expect: 100-continue\r\nContent-Length: 12\r\n', ''), '{"key":"no"}'], { gapMs: 1000 });
    assert.match(asked.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 401 /);
    const refused = await exchange('POST /api/admin/database/import HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n');
    assert.match(refused.text, /^HTTP\/1\.1 401 /);
    assert.ok(refused.isClosed);
  });

  for (const [headers, address] of [
    [{ 'x-forwarded-for': ['192.0.2.1', '192.0.2.2'] }, '192.0.2.2'],
    [{ 'x-forwarded-for': ['192.0.2.1, 192.0.2.3', '192.0.2.4 , 192.0.2.5:4711'] }, '192.0.2.5'],
    [{ 'x-forwarded-for': '[2001:db8::7]:443' }, '2001:db8::7'],
    [{ 'x-forwarded-for': '2001:DB8:0::8' }, '2001:db8::8'],
    [{ 'x-forwarded-for': '::ffff:192.0.2.9' }, '192.0.2.9'],
    [{ forwarded: 'for=192.0.2.10;proto=https, For="[2001:db8::11]:4711";by=unknown' }, '2001:db8::11'],
    [{ forwarded: 'for=unknown' }, '127.0.0.1'],
    [{ 'x-forwarded-for': 'nonsense' }, '127.0.0.1'],
  ]) {
    test(`a trusted proxy's ${JSON.stringify(headers)} is ${address}`, async () => {
      const answer = await request(service, 'GET', '/api/admin/database/operations', { headers: { ...bearer(adminToken), ...headers } });
      assert.equal(answer.status, 200);
      const id = answer.headers['x-request-id'];
      const line = await until('its line in the log', () => service.log().split('\n').find((text) => text.includes(id)));
      assert.ok(line.includes(` ip=${address} `), line);
    });
  }
});
