// Imports of a kept upload, and the other parameters of an import, in a form and in JSON.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { slowArchive } from './support/archive.mjs';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { readAnswer, request } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { assertUnchanged } from './support/product.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { frames, lastEvent } from './support/sse.mjs';
import { UPLOADS, createUpload, offsetOf, patch, tus, uploadWhole } from './support/tus.mjs';
import { startUpload, upload } from './support/upload.mjs';

const IMPORT = '/api/admin/database/import';
const OPERATIONS = '/api/admin/database/operations';
const dir = temporaryDirectory('choices');

describe('an import over HTTP', { skip: !haveBinary && 'no binary' }, () => {
  let server, archive, bytes, template, database, service, authorization;

  before(async () => {
    server = await startPostgres();
    const source = await Database.create(server);
    await source.execFile(fixture('hub-v05.sql'));
    archive = await source.pgDump(path.join(dir, 'hub.dump'));
    bytes = readFileSync(archive);
    template = source.name;
    database = await Database.create(server, { template });
    service = await Service.start({ dsn: database.dsn });
    authorization = `Bearer ${service.token}`;
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    await assertIdle(service, database);
  });

  const byJson = (body, headers = {}) => request(service, 'POST', IMPORT, { headers: { authorization, ...headers }, body });
  const byForm = (fields, options = {}) => upload(service, { file: archive, fields, ...options });
  const byName = (tables) => tables.toSorted((a, b) => a.table.localeCompare(b.table));
  const idle = () => assertIdle(service, database, { withinMs: 2000 });

  test('of a kept upload does what one of a form does, and the upload is gone then', async () => {
    for (const [cleanFirst, skipLogs] of [[false, false], [true, true]]) {
      await database.exec('DELETE FROM message_request WHERE id % 3 = 0; DELETE FROM keys WHERE id % 2 = 0');
      const other = await Database.create(server, { template: database.name });
      const otherService = await Service.start({ dsn: other.dsn });
      const plain = await upload(otherService, { file: archive, fields: { cleanFirst: String(cleanFirst), skipLogs: String(skipLogs) } });
      assert.equal(lastEvent(plain.events).type, 'complete');
      await otherService.stop();
      const uploadId = await uploadWhole(service, bytes);
      const kept = await byJson({ uploadId, cleanFirst, skipLogs });
      assert.equal(kept.status, 200);
      assert.equal(lastEvent(kept.events).type, 'complete');
      assert.deepEqual(byName(lastEvent(kept.events).tables), byName(lastEvent(plain.events).tables));
      const plainText = await other.dumpText('--exclude-schema=cch_data');
      assert.equal(firstDifference(await database.dumpText('--exclude-schema=cch_data'), plainText), null);
      await idle();
      await other.drop();
    }
  });

  test('keeps the upload when it is asked to, and when it fails', async () => {
    const uploadId = await uploadWhole(service, bytes);
    for (let turn = 0; turn < 2; turn++) {
      assert.equal(lastEvent((await byJson({ uploadId, keepUpload: true })).events).type, 'complete');
    }
    await database.exec('ALTER TABLE keys RENAME COLUMN user_id TO owner_id; ALTER TABLE keys ALTER COLUMN owner_id SET NOT NULL');
    assert.equal(lastEvent((await byJson({ uploadId })).events).type, 'error');
    await database.exec('ALTER TABLE keys RENAME COLUMN owner_id TO user_id');
    assert.equal(await offsetOf(service, `${UPLOADS}/${uploadId}`), bytes.length);
    const form = await upload(service, { data: Buffer.alloc(0), fields: { uploadId } });
    assert.equal(form.status, 400, 'a form that has both is refused');
    assert.equal(lastEvent((await byJson({ uploadId, skipLogs: true })).events).type, 'complete');
    await idle();
  });

  test('holds the upload while it runs', async () => {
    const slow = readFileSync(await slowArchive(server, dir, { phase: 'data', rows: 100, ms: 50 }));
    const uploadId = await uploadWhole(service, slow);
    const running = byJson({ uploadId });
    await until('the import', async () => (await (await service.fetch(`${UPLOADS}/${uploadId}`)).json()).isInUse);
    assert.equal((await tus(service, 'DELETE', `${UPLOADS}/${uploadId}`)).status, 423);
    assert.equal(lastEvent((await running).events).type, 'complete');
    assert.equal(await offsetOf(service, `${UPLOADS}/${uploadId}`), null);
    await database.exec('DROP TABLE slow_table, a_first; DROP FUNCTION slow');
    await idle();
  });

  test('is refused for an upload that is not there or not whole', async () => {
    const unknown = await byJson({ uploadId: '0'.repeat(32) });
    assert.deepEqual([unknown.status, unknown.body.errorCode], [404, 'upload.not_found']);
    const location = await createUpload(service, bytes.length);
    await patch(service, location, 0, bytes.subarray(0, 5000));
    const half = await byJson({ uploadId: location.split('/').at(-1) });
    assert.deepEqual([half.status, half.body.errorCode], [409, 'upload.incomplete']);
    await tus(service, 'DELETE', location);
    const damaged = await uploadWhole(service, bytes.subarray(0, 3000));
    const answer = await byJson({ uploadId: damaged });
    assert.deepEqual([answer.status, answer.body.errorCode], [400, 'archive.corrupt']);
    await tus(service, 'DELETE', `${UPLOADS}/${damaged}`);
    await idle();
  });

  test('checks every choice by its name', async () => {
    const uploadId = await uploadWhole(service, bytes);
    const wrong = [
      [{ cleanFirst: 'true' }, 'cleanFirst'], [{ cleanFirst: 1 }, 'cleanFirst'], [{ skipLogs: null }, 'skipLogs'],
      [{ keepUpload: 'no' }, 'keepUpload'], [{ onConflict: 'Update' }, 'onConflict'], [{ onConflict: true }, 'onConflict'],
      [{ tables: [] }, 'tables'], [{ tables: '' }, 'tables'], [{ tables: ['users', 5] }, 'tables'], [{ tables: 'users,' }, 'tables'],
      [{ tables: { users: true } }, 'tables'], [{ tables: Array(300).fill('users') }, 'tables'], [{ tables: ['nowhere'] }, 'nowhere'],
      [{ method: 'fast', cleanFirst: true }, 'method'], [{ method: 'swap' }, 'method'], [{ cleanFirst: true, onConflict: 'update' }, 'onConflict'], [{ cleanFirst: true, tables: ['users'] }, 'tables'],
      [{ file: 'x' }, 'file'], [{ clean_first: true }, 'clean_first'], [{ uploadId: 7 }, 'uploadId'],
    ];
    const before = await database.dumpText();
    for (const [choice, name] of wrong) {
      const { status, body } = await byJson({ uploadId, ...choice });
      assert.equal(status, 400, JSON.stringify(choice));
      assert.equal(body.errorCode, 'request.validation_failed', JSON.stringify(choice));
      assert.ok(body.details.includes(name), `${body.details} names ${name}`);
    }
    for (const [body, errorCode] of [['', 'request.malformed_json'], ['[]', 'request.malformed_json'], ['{', 'request.malformed_json'],
      ['{}', 'import.file_missing'], [`{"uploadId":"${uploadId}","uploadId":"x"}`, 'request.malformed_json'],
      [`{"uploadId":""}`, 'request.validation_failed']]) {
      const answer = await byJson(body);
      assert.deepEqual([answer.status, answer.body.errorCode], [400, errorCode], body);
    }
    assert.equal((await byJson(`{"uploadId":"${'x'.repeat(70_000)}"}`)).status, 413);
    for (const [fields, name] of [[{ keepUpload: 'yes' }, 'keepUpload'], [{ onConflict: 'replace' }, 'onConflict'], [{ tables: ' , ' }, 'tables'],
      [{ tables: 'users\0' }, 'tables'], [{ onConflict: 'x'.repeat(20_000) }, 'onConflict'], [{ cleanFirst: 'true', tables: 'users' }, 'tables']]) {
      const { status, body } = await byForm(fields);
      assert.equal(status, 400, JSON.stringify(fields));
      assert.ok(body.details.includes(name), `${body.details} names ${name}`);
    }
    assert.equal(firstDifference(await database.dumpText(), before), null);
    await tus(service, 'DELETE', `${UPLOADS}/${uploadId}`);
    await idle();
  });

  test('is watched by others as it runs, and for a while after', async () => {
    assert.equal((await service.fetch(`${OPERATIONS}/current/events`)).status, 404);
    const slow = await slowArchive(server, dir, { phase: 'data', rows: 100, ms: 50 });
    const { response } = startUpload(service, { file: slow });
    const own = await response;
    const id = own.headers['x-operation-id'];
    assert.match(id, /^[0-9a-f]{32}$/);
    const watchers = [`${OPERATIONS}/current/events`, `${OPERATIONS}/${id}/events`].map((target) =>
      request(service, 'GET', target, { headers: { authorization } }));
    const leaver = await service.fetch(`${OPERATIONS}/current/events`);
    for await (const frame of frames(leaver.body)) if (frame.data) break;
    const { operations } = await (await service.fetch(OPERATIONS)).json();
    assert.equal(operations.length, 1);
    assert.deepEqual([operations[0].id, operations[0].operation], [id, 'import']);
    assert.equal(operations[0].progress.type, 'progress');
    const mine = await readAnswer(own);
    const last = lastEvent(mine.events);
    assert.equal(last.type, 'complete');
    for (const watched of await Promise.all(watchers)) {
      assert.equal(watched.status, 200);
      assert.deepEqual(lastEvent(watched.events), last);
      assert.ok(watched.events.length > 1);
    }
    const late = await request(service, 'GET', `${OPERATIONS}/${id}/events`, { headers: { authorization } });
    assert.deepEqual(late.events, [last]);
    assert.deepEqual((await (await service.fetch(OPERATIONS)).json()).operations, []);
    assert.equal((await request(service, 'GET', `${OPERATIONS}/${id}/events`)).status, 401);
    await database.exec('DROP TABLE slow_table, a_first; DROP FUNCTION slow');
    await idle();
  });

  test('of a kept upload whose client goes away is rolled back, and the upload stays', async () => {
    const slow = readFileSync(await slowArchive(server, dir, { phase: 'data', rows: 2000 }));
    const uploadId = await uploadWhole(service, slow);
    await assertUnchanged(database, async () => {
      const controller = new AbortController();
      const response = await service.fetch(IMPORT, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ uploadId }), signal: controller.signal,
      });
      for await (const frame of frames(response.body)) {
        if (frame.data?.phase === 'data') break;
      }
      controller.abort();
      await until('the end', async () => !(await (await service.fetch(`${UPLOADS}/${uploadId}`)).json()).isInUse);
    });
    await tus(service, 'DELETE', `${UPLOADS}/${uploadId}`);
    await idle();
  });
});
