// The main functions on any server version: export, import in three ways, preview, undo, batches, prices and migrations. Short, so
// that it can run on every version (tools/matrix).

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { assertIdle } from './support/idle.mjs';
import { exportOverHttp, importOk, previewByCli, tableReport } from './support/product.mjs';
import { runOk } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { upload } from './support/upload.mjs';
import { lastEvent } from './support/sse.mjs';

const dir = temporaryDirectory('versions');
const file = (name) => path.join(dir, name);

// Objects whose dumps differ between versions: partitions, large objects, identities, generated columns, rules of exclusion.
const kinds = `
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE TABLE by_mood (id integer GENERATED ALWAYS AS IDENTITY, m mood, doubled integer GENERATED ALWAYS AS (1 + 1) STORED) PARTITION BY HASH (m);
  CREATE TABLE by_mood_0 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE by_mood_1 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO by_mood (m) SELECT (enum_range(NULL::mood))[1 + i % 3] FROM generate_series(1, 300) AS i;
  SELECT lo_from_bytea(70000 + i, decode(repeat(lpad(to_hex(i), 2, '0'), 10000), 'hex')) FROM generate_series(1, 3) AS i;
  COMMENT ON LARGE OBJECT 70001 IS 'the first';
  CREATE TABLE stays (room integer NOT NULL, during int4range NOT NULL, EXCLUDE USING gist (during WITH &&) WHERE (room = 1));
  INSERT INTO stays SELECT 1, int4range(i, i + 1) FROM generate_series(1, 50) AS i;
  CREATE MATERIALIZED VIEW moods AS SELECT m, count(*) AS n FROM by_mood GROUP BY m;
  CREATE STATISTICS by_room (dependencies) ON room, during FROM stays;
  CREATE FUNCTION twice(i integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
  CREATE PROCEDURE nothing() LANGUAGE sql AS 'SELECT 1';
`;

// What pg_restore of PostgreSQL 17 or newer says on an older server, whatever the archive is.
const ofNewerPgRestore = `pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"
Command was: SET transaction_timeout = 0;
pg_restore: warning: errors ignored on restore: 1
`;

describe('on the server of the tests', { skip: !haveBinary && 'no binary' }, () => {
  let server, source, stock, expected;

  // The hash of an enum's value differs between databases, so that rows are in different partitions.
  const text = async (database) => {
    const dump = await database.dumpText('-N', 'cch_data', '--exclude-table-data=public.audit_log*', '--exclude-table-data=public.by_mood_*');
    return dump + JSON.stringify(await database.rows('SELECT * FROM by_mood ORDER BY id'));
  };
  const copy = () => Database.create(server, { template: source.name });

  function assertSame(actual, what) {
    const difference = firstDifference(actual, expected);
    assert.ok(difference === null, `${what}: ${difference}`);
  }

  before(async () => {
    server = await startPostgres();
    source = await Database.create(server, { name: 'hub' });
    await source.execFile(fixture('hub-v09.sql'));
    await source.exec(kinds);
    stock = await source.pgDump(file('stock.dump'));
    expected = await text(source);
  });

  test('an export is what stock pg_restore restores', async () => {
    const archive = file('ours.dump');
    const { code, stderr } = await cli(['export', archive], { dsn: source.dsn });
    assert.equal(code, 0, stderr);
    const restored = await Database.create(server);
    const result = await restored.pgRestore(archive);
    assert.equal(result.stderr.replace(ofNewerPgRestore, ''), '');
    assertSame(await text(restored), 'restored by pg_restore');
    assert.equal((await cli(['verify', archive])).code, 0);
  });

  test('a merge into an empty database makes the same, and again adds nothing', async () => {
    const target = await Database.create(server);
    await importOk(target, stock);
    assertSame(await text(target), 'merged');
    const { preview } = await previewByCli(target, stock);
    for (const table of preview.tables) assert.equal(table.added, 0, table.table);
    const { last } = await importOk(target, stock);
    for (const table of last.tables) assert.equal(table.inserted, 0, table.table);
  });

  test('a merge brings the rows that are missing, as the preview said', async () => {
    const target = await copy();
    await target.exec(`DELETE FROM message_request WHERE id % 3 = 0; UPDATE users SET name = 'live' WHERE id = 1`);
    const { preview } = await previewByCli(target, stock);
    const found = preview.tables.find((table) => table.table === 'public.message_request');
    assert.equal(found.added, 1000);
    const { last } = await importOk(target, stock);
    assert.equal(tableReport(last, 'public.message_request')[1], 1000);
    assert.equal(await target.count('message_request'), 3000);
    assert.equal(await target.value('SELECT name FROM users WHERE id = 1'), 'live');
  });

  for (const method of ['swap', 'transaction']) {
    test(`an overwrite by ${method} makes the same`, async () => {
      const target = await copy();
      assert.equal((await cli(['migrate'], { dsn: target.dsn })).code, 0);
      await target.exec(`DELETE FROM message_request; SELECT lo_unlink(70002); CREATE TABLE public.left_over (id integer)`);
      await importOk(target, stock, { overwrite: true, args: ['--method', method] });
      assertSame(await text(target), `overwritten by ${method}`);
    });
  }

  test('the service exports, imports, undoes, edits and keeps prices', async () => {
    const target = await copy();
    const service = await Service.start({ dsn: target.dsn });
    const post = async (address, body) => {
      const reply = await service.fetch(address, {
        method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' },
      });
      assert.equal(reply.status, 200, `${address}: ${reply.status}`);
      return reply.json();
    };
    assert.ok((await service.status()).pgDumpVersion);
    const archive = file('http.dump');
    await exportOverHttp(service, archive);
    await runOk('pg_restore', ['-l', archive]);

    await target.exec(`UPDATE users SET name = 'before'`);
    const { events } = await upload(service, { file: archive, fields: { cleanFirst: 'true', method: 'swap' } });
    assert.equal(lastEvent(events).type, 'complete', JSON.stringify(lastEvent(events)));
    assert.equal(await target.value(`SELECT count(*) FROM users WHERE name = 'before'`), '0');
    const undone = await service.fetch('/api/admin/database/import:undo', { method: 'POST' });
    assert.match(await undone.text(), /"type": ?"complete"/);
    assert.equal(await target.value(`SELECT count(*) FROM users WHERE name <> 'before'`), '0');

    const batch = await post('/api/v1/users:batchUpdate', { userIds: [1, 2], updates: { rpm: 77 } });
    assert.equal(await target.value('SELECT rpm_limit FROM users WHERE id = 1'), '77');
    await post(`/api/v1/operations/${batch.operationId}:undo`, {});
    assert.notEqual(await target.value('SELECT rpm_limit FROM users WHERE id = 1'), '77');

    const prices = await post('/api/v1/model-prices:upload', { content: '{"one-more":{"mode":"chat","input_cost_per_token":3e-7}}' });
    assert.deepEqual(prices.added, ['one-more']);
    await assertIdle(service, target);
    await service.stop();
  });

  test('migrations make what the service needs in an empty database', async () => {
    const target = await Database.create(server);
    for (let i = 0; i < 2; i++) {
      const { code, stderr } = await cli(['migrate'], { dsn: target.dsn });
      assert.equal(code, 0, stderr);
    }
    assert.ok(await target.value(`SELECT to_regclass('cch_data.migrations')`));
  });
});
