// Previews over HTTP: by a form whose file is kept, by the id of an upload, as events and as JSON.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { bearer, request } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { assertUnchanged } from './support/product.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { lastEvent } from './support/sse.mjs';
import { UPLOADS, tus, uploadWhole } from './support/tus.mjs';
import { upload } from './support/upload.mjs';

const PREVIEW = '/api/admin/database/import:preview';
const dir = temporaryDirectory('preview-http');

describe('a preview over HTTP', { skip: !haveBinary && 'no binary' }, () => {
  let server, database, service, archive;

  before(async () => {
    server = await startPostgres();
    const source = await Database.create(server);
    await source.execFile(fixture('hub-v05.sql'));
    archive = await source.pgDump(path.join(dir, 'hub.dump'));
    database = await Database.create(server, { template: source.name });
    service = await Service.start({ dsn: database.dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    await database.exec(`DELETE FROM message_request WHERE id % 2 = 0; UPDATE users SET name = name || '!' WHERE id <= 3`);
    await assertIdle(service, database);
  });

  const form = (options = {}) => upload(service, { file: archive, path: PREVIEW, ...options });
  const byId = (body, headers = {}) => request(service, 'POST', PREVIEW, { headers: { ...bearer(service.token), ...headers }, body });
  const tableOf = (preview, name) => preview.tables.find(({ table }) => table === name);
  const discard = (id) => tus(service, 'DELETE', `${UPLOADS}/${id}`);

  test('tells as events what an import would do, changes nothing, and the import then sends nothing again', async () => {
    const { status, headers, events } = await assertUnchanged(database, () => form());
    assert.equal(status, 200);
    assert.match(headers['x-operation-id'], /^[0-9a-f]{32}$/);
    const last = lastEvent(events);
    assert.equal(last.type, 'complete');
    const { uploadId } = last.preview;
    assert.match(uploadId, /^[0-9a-f]{32}$/);
    assert.equal(tableOf(last.preview, 'public.message_request').added, 1500);
    assert.equal(tableOf(last.preview, 'public.users').different, 3);
    const { events: imported } = await request(service, 'POST', '/api/admin/database/import', {
      headers: bearer(service.token), body: { uploadId, onConflict: 'update', tables: ['users'] },
    });
    const result = lastEvent(imported).tables.find(({ table }) => table === 'public.users');
    assert.equal(result.updated, 3, JSON.stringify(lastEvent(imported)));
    await assertIdle(service, database);
  });

  test('of an upload is plain JSON when that is asked for, and the same', async () => {
    const uploadId = await uploadWhole(service, readFileSync(archive));
    const json = await byId({ uploadId, cleanFirst: true }, { accept: 'application/json' });
    assert.equal(json.status, 200);
    assert.match(json.headers['content-type'], /^application\/json/);
    const events = await byId({ uploadId, cleanFirst: true }, { accept: 'text/event-stream, application/json' });
    assert.deepEqual(json.body.tables, lastEvent(events.events).preview.tables);
    assert.equal(json.body.uploadId, uploadId);
    assert.equal((await discard(uploadId)).status, 204);
    await assertIdle(service, database);
  });

  test('keeps no file that it is not to keep, or cannot read', async () => {
    assert.equal(lastEvent((await form({ fields: { keepUpload: 'false' } })).events).preview.uploadId, null);
    await assertIdle(service, database);
    const cut = await form({ file: undefined, data: readFileSync(archive).subarray(0, 3000) });
    assert.deepEqual([cut.status, cut.body.errorCode], [400, 'archive.corrupt']);
    await assertIdle(service, database);
  });

  test('names the kept upload when it is refused for another reason', async () => {
    const { status, body } = await form({ fields: { tables: 'nowhere' } });
    assert.deepEqual([status, body.errorCode], [400, 'request.validation_failed']);
    assert.match(body.uploadId, /^[0-9a-f]{32}$/);
    assert.equal((await discard(body.uploadId)).status, 204);
    await assertIdle(service, database);
  });

  test('is for administrators, from their own site', async () => {
    assert.equal((await request(service, 'POST', PREVIEW, { body: {} })).status, 401);
    assert.equal((await byId({}, { origin: 'https://evil.example' })).status, 403);
    assert.equal((await byId({ uploadId: '0'.repeat(32) })).status, 404);
    await assertIdle(service, database);
  });
});
