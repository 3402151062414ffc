// Undo over HTTP of an overwriting import by swap, and the status.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { request } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { lastEvent } from './support/sse.mjs';
import { upload } from './support/upload.mjs';

const UNDO = '/api/admin/database/import:undo';
const dir = temporaryDirectory('undo-http');

describe('undo over HTTP', { skip: !haveBinary && 'no binary' }, () => {
  let server, database, service, archive, authorization;

  before(async () => {
    server = await startPostgres();
    const source = await Database.create(server);
    await source.execFile(fixture('hub-v05.sql'));
    archive = await source.pgDump(path.join(dir, 'hub.dump'));
    database = await Database.create(server, { template: source.name });
    service = await Service.start({ dsn: database.dsn });
    authorization = `Bearer ${service.token}`;
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.databases')`));
    await assertIdle(service, database);
  });

  const call = (method, target = UNDO, headers = {}) => request(service, method, target, { headers: { authorization, ...headers } });
  const kept = async () => (await call('GET')).body.kept;
  const content = () => database.dumpText('--exclude-schema=cch_data');

  test('has nothing to undo at first', async () => {
    assert.deepEqual(await kept(), []);
    for (const method of ['POST', 'DELETE']) {
      const { status, body } = await call(method);
      assert.ok(status >= 400 && status < 500, `${method}: ${status}`);
      assert.match(body.errorCode, /^undo\./);
    }
    const status = await service.status();
    assert.deepEqual([status.importMethod, status.importMethodReason, status.kept], ['swap', null, []]);
    await assertIdle(service, database);
  });

  test('puts the database from before an import back, and the other way round', async () => {
    await database.exec(`UPDATE users SET name = 'before ' || id`);
    const before = await content();
    const { events } = await upload(service, { file: archive, fields: { cleanFirst: 'true', method: 'swap' } });
    assert.equal(lastEvent(events).type, 'complete', JSON.stringify(lastEvent(events)));
    const after = await content();
    const [one] = await kept();
    assert.equal(one.reason, 'import');
    assert.ok(one.sizeBytes > 1_000_000 && Date.parse(one.expiresAt) > Date.now() + 3600_000);
    assert.deepEqual((await service.status()).kept.map(({ name }) => name), [one.name]);

    for (const wanted of [before, after]) {
      const answer = await call('POST');
      assert.equal(answer.status, 200);
      assert.match(answer.headers['x-operation-id'], /^[0-9a-f]{32}$/);
      assert.equal(lastEvent(answer.events).type, 'complete', JSON.stringify(lastEvent(answer.events)));
      assert.equal(firstDifference(await content(), wanted), null);
      assert.equal((await kept())[0].reason, 'undo');
    }
    await assertIdle(service, database);
  });

  test('names the database, and drops it at once when asked to', async () => {
    const { status: unknown } = await call('DELETE', `${UNDO}?name=postgres`);
    assert.ok(unknown >= 400 && unknown < 500);
    for (const { name } of await kept()) {
      assert.equal((await call('DELETE', `${UNDO}?name=${encodeURIComponent(name)}`)).status, 204);
      assert.equal(await database.value(`SELECT count(*) FROM pg_database WHERE datname = '${name}'`), '0');
    }
    assert.deepEqual(await kept(), []);
    await assertIdle(service, database);
  });

  test('is refused by one transaction\'s way, and to whoever may not', async () => {
    const { events } = await upload(service, { file: archive, fields: { cleanFirst: 'true', method: 'transaction' } });
    assert.equal(lastEvent(events).type, 'complete');
    assert.deepEqual(await kept(), []);
    for (const method of ['GET', 'POST', 'DELETE']) assert.equal((await request(service, method, UNDO)).status, 401, method);
    for (const method of ['POST', 'DELETE']) {
      const { status, body } = await call(method, UNDO, { origin: 'https://evil.example' });
      assert.deepEqual([status, body.errorCode], [403, 'auth.csrf_invalid'], method);
    }
    assert.equal((await call('POST', `${UNDO}?nmae=x`)).status, 400);
    const { status } = await request(service, 'POST', UNDO, { headers: { authorization }, body: { name: 'x' } });
    assert.equal(status, 400, 'a body is nothing that this takes');
    await assertIdle(service, database);
  });
});
