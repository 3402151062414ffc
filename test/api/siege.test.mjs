// Many clients that are silent, slow, read nothing, or only watch: an administrator is still served in time.
//
// SIEGE_CONNECTIONS is the number of besieging connections (5000 for the figures of docs/reliability.md), SIEGE_WATCHERS (500) that
// of the watchers.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Database } from './support/database.mjs';
import { bearer, startRequest } from './support/http.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, adminToken, haveBinary, isSanitized, peakRssBytes } from './support/service.mjs';

const connections = Number(process.env.SIEGE_CONNECTIONS ?? 1500);
const watchers = Number(process.env.SIEGE_WATCHERS ?? 200);
const besieger = '127.0.0.2';
// Timing under a sanitizer, or beside other tests, says nothing about the product.
const limitMs = Number(process.env.SIEGE_LIMIT_MS ?? (isSanitized ? 1000 : 100));

describe(`a siege by ${connections} connections with ${watchers} watchers`, { skip: !haveBinary && 'no binary' }, () => {
  let service, exporting;
  const sockets = [];

  // A besieging connection, which sends `text`, reads only if `reads`, and may be dropped by the server.
  function besiege(text, { reads = false } = {}) {
    const socket = net.connect({ port: service.port, host: '127.0.0.1', localAddress: besieger });
    socket.on('error', () => {});
    if (!reads) socket.pause();
    if (text) socket.write(text);
    sockets.push(socket);
    return socket;
  }

  // In addition to the existing connections, or `instead` of them when both would exceed the test's own descriptors.
  async function besiegeAll(n, text, { instead = false } = {}) {
    if (instead) for (const socket of sockets.splice(0)) socket.destroy();
    for (let i = 0; i < n; i++) {
      besiege(typeof text === 'function' ? text(i) : text);
      if (i % 200 === 199) await delay(5);
    }
    await delay(200);
  }

  function timed(path, headers = {}) {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const call = http.request({ host: '127.0.0.1', port: service.port, path, agent: false, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode, ms: performance.now() - began }));
      });
      call.on('error', reject);
      call.setTimeout(10_000, () => call.destroy(new Error(`${path}: no answer`)));
      call.end();
    });
  }

  // The median shows the service's time, in spite of other load on the machine.
  async function assertAnswersInTime(what) {
    for (const [path, headers] of [['/api/health/live', {}], ['/api/admin/database/operations', bearer(adminToken)]]) {
      const times = [];
      for (let i = 0; i < 9; i++) {
        const { status, ms } = await timed(path, headers);
        assert.equal(status, 200, path);
        times.push(ms);
      }
      times.sort((a, b) => a - b);
      assert.ok(times[4] < limitMs, `${what}: ${path} took ${times.map(Math.round)} ms`);
      if (process.env.SIEGE_CONNECTIONS) console.log(`# ${what}: ${path} median ${times[4].toFixed(1)} ms, worst ${times[8].toFixed(1)} ms`);
    }
  }

  before(async () => {
    const server = await startPostgres();
    const database = await Database.create(server);
    // More than sockets buffer, so that an export waits for its client.
    await database.exec(`CREATE TABLE large AS SELECT md5(random()::text) || md5(random()::text) AS text FROM generate_series(1, 400000)`);
    service = await Service.start({ dsn: database.dsn });
  });
  after(() => {
    exporting?.destroy();
    for (const socket of sockets) socket.destroy();
  });

  test('silent connections lock nobody out', async () => {
    await besiegeAll(connections, '');
    await assertAnswersInTime('silent');
  });

  test('heads and bodies that never end lock nobody out', async () => {
    await besiegeAll(connections / 2, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    await besiegeAll(connections / 2, 'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n{"key":');
    await assertAnswersInTime('slow');
  });

  test('large heads that never end cost bounded memory', async () => {
    await besiegeAll(connections, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(30_000)}`, { instead: true });
    await assertAnswersInTime('large heads');
  });

  test('large heads that are refused, or whose body never ends, cost bounded memory, too', async () => {
    await besiegeAll(connections / 2, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(40_000)}`, { instead: true });
    await besiegeAll(connections / 2, `POST /api/auth/login HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(30_000)}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    await assertAnswersInTime('refused large heads');
  });

  test('uploads that nobody may make and that never end lock nobody out', async () => {
    await besiegeAll(connections / 2, 'POST /api/admin/database/import HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nPGDMP');
    await assertAnswersInTime('refused uploads');
  });

  test('clients that ask for much and read nothing lock nobody out', async () => {
    await besiegeAll(connections, 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20), { instead: true });
    await assertAnswersInTime('never reading');
  });

  test('watchers are served meanwhile, each of them', async () => {
    // An export whose client stalls is what they watch.
    exporting = await startRequest(service, 'GET', '/api/admin/database/export');
    exporting.on('error', () => {});
    const heard = new Map();
    await Promise.all(Array.from({ length: watchers }, (_, i) => new Promise((resolve, reject) => {
      const path = '/api/admin/database/operations/current/events';
      const call = http.get({ host: '127.0.0.1', port: service.port, path, agent: false, headers: bearer(adminToken) }, (response) => {
        assert.equal(response.statusCode, 200);
        heard.set(i, 0);
        response.on('data', () => heard.set(i, heard.get(i) + 1));
        response.on('error', () => {});
        sockets.push(call);
        resolve();
      });
      call.on('error', reject);
    })));
    await besiegeAll(connections / 2, '');
    await assertAnswersInTime('with watchers');
    heard.forEach((_, i) => heard.set(i, 0));
    await until('two heartbeats of every watcher', () => [...heard.values()].every((n) => n >= 2));
    exporting.destroy();
    await until('the end of what is watched', () => sockets.filter((socket) => socket.res).every((call) => call.res.complete));
  });

  test('what was refused is told in one line with a count, and memory is bounded', { skip: isSanitized && 'a sanitizer needs memory of its own' }, async () => {
    const peak = peakRssBytes(service.pid);
    assert.ok(peak < 64 * 1024 * 1024, `${(peak / 1024 / 1024).toFixed(1)} MB`);
    if (process.env.SIEGE_CONNECTIONS) console.log(`# peak ${(peak / 1024 / 1024).toFixed(1)} MB`);
    const lines = service.log().split('\n').filter((line) => line.includes('connections refused'));
    assert.ok(lines.length >= 1 && lines.length <= 1 + Math.ceil(process.uptime() / 60), lines.join('\n'));
    assert.match(lines[0], /displaced=\d+ late=\d+ malformed=\d+/);
  });
});
