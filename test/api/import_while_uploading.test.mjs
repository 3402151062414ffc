// Imports that begin while their archive is still being uploaded, and uploads that come to nothing meanwhile.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { bearer, readAnswer } from './support/http.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { frames, lastEvent } from './support/sse.mjs';
import { UPLOADS, createUpload, offsetOf, patch, tus, uploadWhole } from './support/tus.mjs';
import { upload } from './support/upload.mjs';

const IMPORT = '/api/admin/database/import';
const dir = temporaryDirectory('while-uploading');

describe('an import while its archive is uploaded', { skip: !haveBinary && 'no binary' }, () => {
  let server, admin, database, service, template;
  const archives = {};
  let imported; // the database after an import of the complete file

  before(async () => {
    server = await startPostgres();
    admin = new Database(server, 'postgres');
    const source = await Database.create(server);
    await source.execFile(fixture('hub-v09.sql'));
    template = source.name;
    archives['with offsets'] = readFileSync(await source.pgDump(path.join(dir, 'hub.dump')));
    archives['without offsets'] = spawnSync('pg_dump', ['-Fc'], { env: source.env, maxBuffer: 1 << 28 }).stdout;
    database = await Database.create(server, { name: 'live', template });
    service = await Service.start({ dsn: database.dsn, env: { UPLOAD_IDLE_TIMEOUT: '2' } });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    const whole = await begin(`${UPLOADS}/${await uploadWhole(service, archives['with offsets'])}`, { whileUploading: false }).answer;
    assert.equal(lastEvent(whole.events).type, 'complete');
    imported = await textOf(database);
  });

  // Without what differs after each import.
  const textOf = (of) => of.dumpText('--exclude-schema=cch_data', '--exclude-table-data=audit_log*');

  // Begins an import of an upload: its events so far, its answer at the end, and its request.
  function begin(location, fields = {}, of = service) {
    const body = JSON.stringify({ uploadId: location.split('/').at(-1), cleanFirst: true, method: 'swap', whileUploading: true, ...fields });
    const call = http.request({
      host: '127.0.0.1', port: of.port, method: 'POST', path: IMPORT, agent: false,
      headers: { ...bearer(of.token), 'content-type': 'application/json', 'accept-language': 'en' },
    });
    const events = [];
    const answer = new Promise((resolve, reject) => {
      call.on('error', reject);
      call.on('response', async (response) => {
        try {
          if (!response.headers['content-type'].startsWith('text/event-stream')) return resolve(await readAnswer(response));
          for await (const { data } of frames(response)) if (data) events.push(data);
          resolve({ status: response.statusCode, events });
        } catch (error) {
          reject(error);
        }
      });
    });
    answer.catch(() => {});
    call.end(body);
    return { call, events, answer };
  }
  const waiting = (run) => until('it waits for the upload', () => run.events.some((event) => event.upload?.isWaiting), 20_000, 20);
  // An upload whose first part is here, and its import, which waits for the rest.
  async function beginHalf(bytes, { part = 0.5, fields, of = service, options } = {}) {
    const location = await createUpload(of, bytes.length, options);
    const sent = Math.floor(bytes.length * part);
    if (sent > 0) assert.equal((await patch(of, location, 0, bytes.subarray(0, sent))).status, 204);
    const run = begin(location, fields, of);
    await waiting(run);
    return { location, sent, run };
  }
  const sides = async () => (await admin.rows(`SELECT datname FROM pg_database WHERE datname ~ '_cch_new_[0-9a-f]{16}$'`)).flat();
  // Everything is as it was: rows, databases, lock.
  async function assertNothingHappened(of = service) {
    assert.deepEqual(await sides(), []);
    assert.equal((await of.status()).operation.running, false);
    assert.equal(firstDifference(await textOf(database), imported), null);
  }
  const failed = async (run, errorCode) => {
    const { events } = await run.answer;
    const { type, errorCode: found, message, exitCode } = lastEvent(events);
    assert.deepEqual([type, found, exitCode], ['error', errorCode, 3], message);
    return message;
  };

  for (const kind of ['with offsets', 'without offsets']) {
    test(`gives the same database as afterwards, from an archive ${kind}`, async () => {
      const bytes = archives[kind];
      await database.exec('DELETE FROM users WHERE id % 2 = 0; DELETE FROM message_request');
      const { location, sent, run } = await beginHalf(bytes, { part: 0.3 });

      // It is told to everybody.
      const { operation, running } = await service.status();
      assert.deepEqual(operation.upload, { bytes: sent, bytesTotal: bytes.length, isWaiting: true });
      assert.deepEqual(running[0].progress.upload, operation.upload);
      const refused = await begin(location).answer;
      assert.deepEqual([refused.status, refused.body.errorCode, refused.body.holder.upload?.bytes], [409, 'backup.lock_held', sent]);
      assert.equal((await (await service.fetch(location)).json()).isInUse, true);

      const piece = Math.ceil((bytes.length - sent) / 4);
      for (let at = sent; at < bytes.length; at += piece) {
        assert.ok(!run.events.some(({ phase }) => ['swap', 'done'].includes(phase)), 'no swap before the last byte');
        await delay(100);
        assert.equal((await patch(service, location, at, bytes.subarray(at, at + piece))).status, 204);
      }
      const { events } = await run.answer;
      assert.equal(lastEvent(events).type, 'complete', lastEvent(events).message);
      const percents = events.map(({ percent }) => percent);
      assert.deepEqual(percents, [...percents].sort((a, b) => a - b), 'percent only grows');
      assert.ok(events.some(({ table, upload: told }) => table && told?.bytes < bytes.length), 'rows were read before the last byte');
      assert.equal(firstDifference(await textOf(database), imported), null);
      assert.equal(await offsetOf(service, location), null, 'the upload is gone');
      assert.equal((await service.status()).operation.running, false);
    });
  }

  test('begins before the first byte, without the log, and as a merge', async () => {
    const bytes = archives['without offsets'];
    for (const fields of [{ skipLogs: true, allowIncomplete: true }, { cleanFirst: false, method: undefined }]) {
      const { location, run } = await beginHalf(bytes, { part: 0, fields });
      assert.equal((await patch(service, location, 0, bytes)).status, 204);
      const { events } = await run.answer;
      assert.equal(lastEvent(events).type, 'complete', lastEvent(events).message);
    }
    assert.equal(firstDifference(await textOf(database), imported), null);
  });

  test('unpacks a wrapped archive when it is complete', async () => {
    const bytes = gzipSync(archives['with offsets'], { level: 1 });
    const { location, sent, run } = await beginHalf(bytes, { options: { name: 'backup.dump.gz' } });
    await delay(300);
    assert.ok(!run.events.some(({ phase }) => phase !== 'check'), 'nothing has begun');
    assert.equal((await patch(service, location, sent, bytes.subarray(sent))).status, 204);
    assert.equal(lastEvent((await run.answer).events).type, 'complete');
    assert.equal(firstDifference(await textOf(database), imported), null);
  });

  test('is refused unless asked for, and where it cannot be', async () => {
    const location = await createUpload(service, 1000);
    const refused = async (answer, status, errorCode) => {
      const got = await answer;
      assert.deepEqual([got.status, got.body.errorCode], [status, errorCode]);
    };
    await refused(begin(location, { whileUploading: false }).answer, 409, 'upload.incomplete');
    await refused(begin(location, { whileUploading: undefined }).answer, 409, 'upload.incomplete');
    await refused(begin(location, { cleanFirst: false }).answer, 400, 'request.validation_failed');
    const unknown = await createUpload(service, undefined, { headers: { 'upload-defer-length': '1' } });
    await refused(begin(unknown).answer, 409, 'upload.incomplete');
    await refused(upload(service, { data: archives['with offsets'], fields: { whileUploading: 'true' } }), 400, 'request.validation_failed');
    const preview = await service.fetch(`${IMPORT}:preview`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uploadId: location.split('/').at(-1), whileUploading: true }),
    });
    assert.equal(preview.status, 400);
    for (const each of [location, unknown]) assert.equal((await tus(service, 'DELETE', each)).status, 204);
    await assertNothingHappened();
  });

  test('is given up when the upload stalls, which can be continued', async () => {
    const bytes = archives['with offsets'];
    const { location, sent, run } = await beginHalf(bytes);
    assert.match(await failed(run, 'upload.stalled'), /continue the upload/);
    await assertNothingHappened();
    assert.equal(await offsetOf(service, location), sent);
    const again = begin(location);
    await waiting(again);
    assert.equal((await patch(service, location, sent, bytes.subarray(sent))).status, 204);
    assert.equal(lastEvent((await again.answer).events).type, 'complete');
    assert.equal(firstDifference(await textOf(database), imported), null);
  });

  test('ends with the upload, or without it', async () => {
    const bytes = archives['without offsets'];
    const deleted = await beginHalf(bytes);
    assert.equal((await tus(service, 'DELETE', deleted.location)).status, 204);
    await failed(deleted.run, 'upload.deleted');
    await assertNothingHappened();

    const foreign = await beginHalf(Buffer.from('PGDMQ, which is no archive'), { part: 0.15 });
    assert.equal((await patch(service, foreign.location, foreign.sent, Buffer.from('QQ'))).status, 400);
    await failed(foreign.run, 'archive.not_custom_format');

    const left = await beginHalf(bytes);
    left.run.call.destroy();
    await until('the lock is free', async () => !(await service.status()).operation.running);
    await until('the upload is free', async () => !(await (await service.fetch(left.location)).json()).isInUse);
    await assertNothingHappened();
    assert.equal((await tus(service, 'DELETE', left.location)).status, 204);
  });

  test('finds damage at the very end before the swap', async () => {
    const torn = (bytes) => Buffer.from(bytes).fill(0x5a, bytes.length - 40);
    const followed = (bytes) => Buffer.concat([bytes, Buffer.from('garbage behind the archive')]);
    const cut = (bytes) => bytes.subarray(0, bytes.length - 3);
    for (const [kind, damage] of [['with offsets', followed], ['with offsets', torn], ['without offsets', cut]]) {
      const bytes = damage(archives[kind]);
      const { location, sent, run } = await beginHalf(bytes, { part: 0.9 });
      assert.equal((await patch(service, location, sent, bytes.subarray(sent))).status, 204);
      await failed(run, 'archive.corrupt');
      assert.equal((await (await service.fetch(location)).json()).problem, 'archive.corrupt');
      assert.equal((await tus(service, 'DELETE', location)).status, 204);
    }
    await assertNothingHappened();
  });

  test('leaves nothing but the upload when the service is killed', async () => {
    const bytes = archives['with offsets'];
    const mine = await Service.start({ dsn: database.dsn, env: { UPLOAD_KEEP: '60' } });
    const { location, sent } = await beginHalf(bytes, { of: mine });
    await until('the new database', async () => (await sides()).length === 1);
    await mine.stop('SIGKILL');
    const next = await Service.start({ dsn: database.dsn, tempDir: mine.tempDir });
    await until('the new database is dropped', async () => (await sides()).length === 0, 20_000);
    await until('the lock is free', async () => !(await next.status()).operation.running);
    await assertNothingHappened(next);
    assert.equal(await offsetOf(next, location), sent);
    await next.stop();
  });

  test('keeps its upload from expiring', async () => {
    const brief = await Service.start({ dsn: database.dsn, env: { UPLOAD_KEEP: '1' } });
    const { location, sent, run } = await beginHalf(archives['with offsets'], { of: brief });
    await delay(2500);
    assert.equal((await patch(brief, location, sent, archives['with offsets'].subarray(sent, sent + 100))).status, 204);
    run.call.destroy();
    await brief.stop();
    await assertNothingHappened();
  });
});
