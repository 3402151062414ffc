// Exports over HTTP, apart from the archive: trailers, events, kept manifests, parameters.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { request } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { runOk, until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { lastEvent } from './support/sse.mjs';

const EXPORT = '/api/admin/database/export';
const dir = temporaryDirectory('export-http');

// A complete reply as received from the socket: { head, body, trailers }, with chunks joined.
function raw(service, target, version = '1.1') {
  return new Promise((resolve, reject) => {
    const socket = net.connect(service.port, '127.0.0.1');
    const pieces = [];
    socket.on('error', reject);
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('end', () => {
      const all = Buffer.concat(pieces);
      const end = all.indexOf('\r\n\r\n');
      const head = all.subarray(0, end).toString();
      let rest = all.subarray(end + 4);
      if (!/^transfer-encoding: chunked/im.test(head)) return resolve({ head, body: rest, trailers: null });
      const body = [];
      for (;;) {
        const line = rest.indexOf('\r\n');
        const size = parseInt(rest.subarray(0, line).toString(), 16);
        if (!(size > 0)) return resolve({ head, body: Buffer.concat(body), trailers: line < 0 ? null : parse(rest.subarray(line + 2).toString()) });
        body.push(rest.subarray(line + 2, line + 2 + size));
        rest = rest.subarray(line + 4 + size);
      }
    });
    socket.write(`GET ${target} HTTP/${version}\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${service.token}\r\n\r\n`);
  });
}

const parse = (text) => Object.fromEntries(text.split('\r\n').filter(Boolean).map((line) => line.split(': ')).map(([k, v]) => [k.toLowerCase(), v]));

describe('an export over HTTP', { skip: !haveBinary && 'no binary' }, () => {
  let server, database, service, authorization;

  before(async () => {
    server = await startPostgres();
    database = await Database.create(server);
    await database.execFile(fixture('hub-v05.sql'));
    service = await Service.start({ dsn: database.dsn });
    authorization = `Bearer ${service.token}`;
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    await assertIdle(service, database);
  });

  // Node's own client also reads trailers.
  const download = async (query = '') => {
    const { default: http } = await import('node:http');
    return new Promise((resolve, reject) => {
      http.get({ host: '127.0.0.1', port: service.port, path: EXPORT + query, headers: { authorization }, agent: false }, async (response) => {
        const pieces = [];
        for await (const piece of response) pieces.push(piece);
        resolve({ status: response.statusCode, headers: response.headers, trailers: response.trailers, data: Buffer.concat(pieces) });
      }).on('error', reject);
    });
  };

  test('ends with the manifest\'s figures as trailers, which were announced', async () => {
    const { headers, trailers, data } = await download();
    assert.equal(headers.trailer, 'X-Content-SHA256, X-Manifest-Bytes, X-Manifest-Rows, X-Manifest-Tables');
    assert.equal(trailers['x-content-sha256'], createHash('sha256').update(data).digest('hex'));
    assert.equal(trailers['x-manifest-bytes'], String(data.length));
    assert.ok(Number(trailers['x-manifest-rows']) > 3000);
    assert.ok(Number(trailers['x-manifest-tables']) > 3);
  });

  test('has its trailers behind the last chunk, and none in HTTP/1.0', async () => {
    const { body, trailers } = await raw(service, EXPORT);
    assert.equal(trailers['x-content-sha256'], createHash('sha256').update(body).digest('hex'));
    assert.equal(Object.keys(trailers).length, 4);
    const old = await raw(service, EXPORT, '1.0');
    assert.equal(old.trailers, null);
    assert.equal(old.body.subarray(0, 5).toString(), 'PGDMP');
    assert.ok(!old.body.includes('X-Content-SHA256'));
  });

  test('keeps its manifest for later', async () => {
    const { headers, trailers, data } = await download('?excludeLogs=true');
    const { exports } = await (await service.fetch('/api/admin/database/exports')).json();
    const [newest] = exports;
    assert.equal(newest.sha256, trailers['x-content-sha256']);
    assert.equal(newest.bytes, data.length);
    assert.equal(newest.excludeLogs, true);
    assert.equal(newest.rows, Number(trailers['x-manifest-rows']));
    assert.ok(headers['content-disposition'].includes(newest.fileName));
    for (const id of [newest.id, newest.sha256]) {
      const response = await service.fetch(`/api/admin/database/exports/${id}/manifest`);
      assert.equal(response.headers.get('content-disposition'), `attachment; filename="${newest.fileName}.manifest.json"`);
      const manifest = await response.json();
      assert.equal(manifest.sha256, newest.sha256);
      assert.equal(manifest.tables.reduce((sum, { rows }) => sum + rows, 0), newest.rows);
    }
    for (const id of ['0', 'x', "1' OR '1'='1"]) {
      assert.equal((await service.fetch(`/api/admin/database/exports/${encodeURIComponent(id)}/manifest`)).status, 404);
    }
  });

  test('is compressed as it is asked to be', async () => {
    const sizes = {};
    for (const compression of ['none', 'fast', 'balanced', 'small']) {
      const { status, data } = await download(`?compression=${compression}`);
      assert.equal(status, 200);
      sizes[compression] = data.length;
      const file = path.join(dir, `${compression}.dump`);
      writeFileSync(file, data);
      const { stdout } = await runOk('pg_restore', ['-f', '-', file]);
      assert.ok(stdout.includes('COPY public.users'));
    }
    const isOld = Number.parseInt((await service.status()).pgDumpVersion, 10) < 16;
    for (const compression of ['lz4', 'zstd']) {
      const { status, data } = await download(`?compression=${compression}`);
      assert.equal(status, isOld ? 400 : 200, 'needs pg_dump 16');
      if (isOld) assert.match(JSON.parse(data).details, /PostgreSQL 16/);
    }
    assert.ok(sizes.none > sizes.fast && sizes.fast >= sizes.small, JSON.stringify(sizes));
    for (const wrong of ['9', 'FAST', '', 'gzip']) {
      const answer = await request(service, 'GET', `${EXPORT}?compression=${wrong}`, { headers: { authorization } });
      assert.deepEqual([answer.status, answer.body.errorCode], [400, 'request.validation_failed'], wrong);
      assert.ok(answer.body.details.includes('compression'));
    }
  });

  test('is watched by others, who see it end well or badly', async () => {
    await database.exec(`CREATE TABLE filler AS SELECT i, md5(i::text) || md5((i + 1)::text) AS v FROM generate_series(1, 200000) AS i`);
    const { default: http } = await import('node:http');
    const start = () => new Promise((resolve, reject) => {
      const call = http.get({ host: '127.0.0.1', port: service.port, path: `${EXPORT}?compression=none`, headers: { authorization }, agent: false }, (response) => resolve({ call, response }));
      call.on('error', reject);
    });
    const watch = (id) => request(service, 'GET', `/api/admin/database/operations/${id}/events`, { headers: { authorization } });

    const first = await start();
    const id = first.response.headers['x-operation-id'];
    const watchers = [watch(id), watch('current')];
    for await (const piece of first.response) void piece;
    for (const { status, events } of await Promise.all(watchers)) {
      assert.equal(status, 200);
      const last = lastEvent(events);
      assert.deepEqual([last.type, last.percent, last.exitCode], ['complete', 100, 0]);
      assert.equal(last.sha256, first.response.trailers['x-content-sha256']);
      assert.ok(last.rows > 200_000);
    }
    await assertIdle(service, database);

    const second = await start();
    const watched = watch(second.response.headers['x-operation-id']);
    second.response.once('data', () => second.call.destroy());
    second.response.on('error', () => {});
    const last = lastEvent((await watched).events);
    assert.deepEqual([last.type, last.errorCode], ['error', 'request.cancelled']);
    await assertIdle(service, database);
    await database.exec('DROP TABLE filler');
  });

  test('is for administrators, in all that belongs to it', async () => {
    for (const target of ['/api/admin/database/exports', '/api/admin/database/exports/1/manifest', '/api/admin/database/operations',
      '/api/admin/database/operations/current/events']) {
      assert.equal((await request(service, 'GET', target)).status, 401, target);
    }
  });
});
