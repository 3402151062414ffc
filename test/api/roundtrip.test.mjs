// Round trips against an oracle: pg_dump's output must be the same for our restore and pg_restore's.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { exportOverHttp, importOk } from './support/product.mjs';
import { runOk } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('roundtrip');
const stock = path.join(dir, 'stock.dump');
const file = (name) => path.join(dir, name);
let server, source, service, sourceText;

function assertSame(actual, expected, what) {
  const difference = firstDifference(actual, expected);
  assert.ok(difference === null, `${what}: ${difference}`);
}

// Subscriptions keep a database from being a template or being dropped; nothing here connects to it.
const text = (database) => database.dumpText('-N', 'cch_data');
// The import itself adds an entry to the hub's audit log.
const hubText = (database) => database.dumpText('-N', 'cch_data', '--exclude-table-data=public.audit_log*');

// The rows of materialized views, which pg_dump's text lacks.
async function storedRows(database) {
  const names = ['app.totals', 'app.totals_of_totals', 'app.grouped_stored'];
  return Promise.all(names.map((name) => database.rows(`SELECT * FROM ${name} ORDER BY 1`)));
}

async function restoredByStock(archive, ...args) {
  const database = await Database.create(server);
  const { stderr } = await database.pgRestore(archive, ...args);
  return { database, stderr };
}

// Objects of users in the schemas that the archive restores, and in another schema.
const dirt = `
  CREATE TABLE public.left_over (id serial PRIMARY KEY, v text);
  INSERT INTO public.left_over (v) VALUES ('x');
  CREATE VIEW public.on_left_over AS SELECT * FROM public.left_over;
  CREATE FUNCTION public.left_over_function() RETURNS integer LANGUAGE sql AS 'SELECT 1';
  CREATE TYPE public.left_over_type AS ENUM ('a');
  CREATE DOMAIN public.left_over_domain AS integer;
  CREATE SEQUENCE public.left_over_sequence;
  CREATE SCHEMA app;
  CREATE TABLE app.customers (id text);
  INSERT INTO app.customers VALUES ('not a number');
  CREATE TABLE app.newer (id integer REFERENCES public.left_over);
  CREATE VIEW app.grouped AS SELECT * FROM app.customers;
  CREATE TYPE public.mood AS ENUM ('other');
  CREATE SCHEMA elsewhere;
  CREATE TABLE elsewhere.kept (id integer PRIMARY KEY);
  INSERT INTO elsewhere.kept VALUES (42);
`;

describe('a database with everything', { skip: !haveBinary && 'no binary' }, () => {
  before(async () => {
    server = await startPostgres();
    source = await Database.create(server);
    await source.execFile(fixture('everything.sql'));
    await source.pgDump(stock);
    sourceText = await text(source);
    service = await Service.start({ dsn: source.dsn, env: { AUTO_MIGRATE: 'false' } });
  });

  describe('exported', () => {
    for (const [way, run] of [
      ['by the command line', (to) => cli(['export', to], { dsn: source.dsn }).then((r) => assert.equal(r.code, 0, r.stderr))],
      ['over HTTP', (to) => exportOverHttp(service, to)],
    ]) {
      test(`${way} is restored by stock pg_restore as it was`, async () => {
        const archive = file(`ours ${way}.dump`);
        await run(archive);
        const { stdout: list } = await runOk('pg_restore', ['-l', archive]);
        const { stdout: expected } = await runOk('pg_restore', ['-l', stock]);
        const entries = (listing) => listing.split('\n').filter((line) => !line.startsWith(';'));
        assert.deepEqual(entries(list), entries(expected));
        const { database, stderr } = await restoredByStock(archive);
        assert.equal(stderr, '');
        assertSame(await text(database), sourceText, 'restored by pg_restore');
      });
    }
  });

  describe('merged into an empty database', () => {
    test('is what pg_restore without flags makes of it, with owners and grants', async () => {
      const target = await Database.create(server);
      const { last } = await importOk(target, stock);
      assert.equal(last.warningCount, 0);
      assertSame(await text(target), sourceText, 'merged');
      assert.deepEqual(await storedRows(target), await storedRows(source));
    });

    test('twice adds nothing and changes nothing', async () => {
      const target = await Database.create(server);
      await importOk(target, stock);
      const { last } = await importOk(target, stock);
      for (const table of last.tables) assert.equal(table.inserted, 0, table.table);
      assertSame(await text(target), sourceText, 'merged twice');
    });

    for (const compression of ['-Z0', '-Z9']) {
      test(`is the same from an archive written with ${compression}`, async () => {
        const target = await Database.create(server);
        await importOk(target, await source.pgDump(file(`${compression}.dump`), compression));
        assertSame(await text(target), sourceText, 'merged');
      });
    }
  });

  describe('overwriting', () => {
    let oracle;
    before(async () => {
      oracle = (await restoredByStock(stock, '--clean', '--if-exists', '--no-owner')).database;
    });

    test('an empty database is what pg_restore --clean --if-exists --no-owner makes of it', async () => {
      const target = await Database.create(server);
      await importOk(target, stock, { overwrite: true });
      assertSame(await text(target), await text(oracle), 'overwritten');
      assert.deepEqual(await storedRows(target), await storedRows(oracle));
    });

    test('a database that holds the same, changed since, is what pg_restore makes of it', async () => {
      const change = `
        TRUNCATE app.line_notes; DROP VIEW app.on_grouped;
        INSERT INTO copy_traps VALUES ('more'); SELECT setval('app.never_called', 1000);
        ALTER TABLE empty_table ADD COLUMN c integer; SELECT lo_unlink(700002); SELECT lo_put(700001, 0, 'CHANGED');
        DROP INDEX app.customers_gin; REVOKE ALL ON app.customers FROM PUBLIC; ALTER TYPE mood ADD VALUE 'new';`;
      const [target, expected] = [await restoredByStock(stock), await restoredByStock(stock)].map((x) => x.database);
      for (const database of [target, expected]) await database.exec(change);
      await expected.pgRestore(stock, '--clean', '--if-exists', '--no-owner');
      await importOk(target, stock, { overwrite: true });
      assertSame(await text(target), await text(expected), 'overwritten');
      assertSame(await text(target), await text(oracle), 'overwritten');
    });

    test('a database full of other things leaves nothing of them in the restored schemas, and the rest as it was', async () => {
      const target = await Database.create(server);
      await target.exec(dirt);
      await importOk(target, stock, { overwrite: true });
      assert.equal(await target.value('SELECT id FROM elsewhere.kept'), '42');
      await target.exec('DROP SCHEMA elsewhere CASCADE');
      assertSame(await text(target), await text(oracle), 'overwritten');
    });

    test('from our own export is the same as from pg_dump\'s', async () => {
      const archive = file('own.dump');
      await exportOverHttp(service, archive);
      const target = await Database.create(server);
      await target.exec(dirt + 'DROP SCHEMA elsewhere CASCADE');
      await importOk(target, archive, { overwrite: true });
      assertSame(await text(target), await text(oracle), 'overwritten');
    });

    test('twice is the same as once', async () => {
      const target = await Database.create(server);
      await importOk(target, stock, { overwrite: true });
      await importOk(target, stock, { overwrite: true });
      assertSame(await text(target), await text(oracle), 'overwritten twice');
    });
  });

  test('checks out as intact', async () => {
    const { code, stderr } = await cli(['verify', stock]);
    assert.equal(code, 0, stderr);
  });
});

describe('a hub\'s database', { skip: !haveBinary && 'no binary' }, () => {
  for (const version of ['v05', 'v09']) {
    test(`${version} overwrites itself, merges into an empty one, and both are what pg_restore makes of it`, async () => {
      server ??= await startPostgres();
      const hub = await Database.create(server);
      await hub.execFile(fixture(`hub-${version}.sql`));
      const archive = await hub.pgDump(file(`hub-${version}.dump`));
      const expected = await hubText(hub);
      const empty = await Database.create(server);
      await importOk(empty, archive);
      assertSame(await hubText(empty), expected, 'merged');
      await hub.exec('DELETE FROM message_request WHERE id % 2 = 0; UPDATE users SET name = \'changed\'');
      await importOk(hub, archive, { overwrite: true });
      assertSame(await hubText(hub), expected, 'overwritten');
      if (version === 'v09') {
        const entries = `SELECT action_category, action_type, success, operator_user_name FROM audit_log WHERE id > 10`;
        for (const database of [empty, hub]) {
          const [[category, type, success, who]] = await database.rows(entries);
          assert.deepEqual([category, type, success], ['database', 'database.import', 't']);
          assert.ok(who);
        }
      }
    });
  }
});
