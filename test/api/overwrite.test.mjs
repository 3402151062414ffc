// Overwriting: the restored schemas hold exactly the archive's contents, or nothing has changed.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { assertRefused, importByCli, importOk } from './support/product.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('overwrite');

describe('an overwriting import', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  const hubs = {};
  const overwrite = true;

  before(async () => {
    server = await startPostgres();
    for (const version of ['v05', 'v09']) {
      const database = await Database.create(server, { name: `hub_${version}` });
      await database.execFile(fixture(`hub-${version}.sql`));
      const [archive, noLogs] = [path.join(dir, `${version}.dump`), path.join(dir, `${version}_no-logs.dump`)];
      await database.pgDump(archive);
      await database.pgDump(noLogs, '--exclude-table-data=message_request');
      hubs[version] = { template: database.name, archive, noLogs };
    }
  });

  const hub = (version) => Database.create(server, { template: hubs[version].template });
  const objects = (database) =>
    database.rows(`
      SELECT 'relation', oid::regclass::text FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'drizzle'::regnamespace)
      UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL SELECT 'type', oid::regtype::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
      UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
      ORDER BY 1, 2`);

  test('with an older version\'s archive takes away what a newer schema added', async () => {
    const target = await hub('v09');
    await importOk(target, hubs.v05.archive, { overwrite });
    assert.deepEqual(await objects(target), await objects(await hub('v05')));
    assert.equal(await target.count('drizzle.__drizzle_migrations'), 60);
  });

  test('freezes the rows of a large table, and leaves no trace of how its indexes were built', async () => {
    const source = await Database.create(server);
    await source.exec(`
      CREATE TABLE big (id integer PRIMARY KEY, note text);
      INSERT INTO big SELECT n, repeat(md5(n::text), 6) FROM generate_series(1, 45000) AS n;
      CREATE TABLE own (id integer PRIMARY KEY, note text) WITH (parallel_workers = 3);
      INSERT INTO own SELECT * FROM big;
      CREATE TABLE small (id integer REFERENCES big);
      INSERT INTO small VALUES (7);
      CREATE INDEX ON big (note)`);
    const file = await source.pgDump(path.join(dir, 'big.dump'));
    const target = await Database.create(server);
    await target.exec('CREATE TABLE big (id integer); INSERT INTO big VALUES (1)');
    await target.exec(`CREATE SCHEMA watch; CREATE TABLE watch.seen (what text);
      CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO watch.seen SELECT object_identity FROM pg_event_trigger_ddl_commands(); END $$;
      CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION watch.note()`);
    await importOk(target, file, { overwrite, args: ['--method', 'transaction'] });
    // PostgreSQL 14 and newer mark frozen pages as they are filled; without that there is no visibility map before a VACUUM.
    if (Number(await target.value('SHOW server_version_num')) >= 140000) assert.ok(Number(await target.value(`SELECT pg_relation_size('big', 'vm')`)) > 0);
    assert.equal(await target.value(`SELECT pg_relation_size('small', 'vm')`), '0');
    // The keys, and for one that has no parallel_workers of its own also a change there and back.
    assert.deepEqual(await target.rows(`SELECT what, count(*) FROM watch.seen WHERE what ~ 'big|own' GROUP BY 1 ORDER BY 1`), [['public.big', '3'], ['public.own', '1']]);
    await target.exec('DROP EVENT TRIGGER watch; DROP SCHEMA watch CASCADE');
    assert.equal(firstDifference(await target.dumpText(), await source.dumpText()), null);
    await target.exec(`DELETE FROM small; DELETE FROM big WHERE id = 7; INSERT INTO big VALUES (7, 'again')`);

    // A merge waits for nobody's table: it does not truncate.
    const merged = await Database.create(server);
    await importOk(merged, file);
    assert.equal(await merged.value(`SELECT pg_relation_size('big', 'vm')`), '0');
  });

  test('keeps schema cch_data', async () => {
    const target = await hub('v09');
    const { code, stderr } = await cli(['migrate'], { dsn: target.dsn });
    assert.equal(code, 0, stderr);
    await target.exec(`CREATE TABLE cch_data.probe (id integer); INSERT INTO cch_data.probe VALUES (7)`);
    const migrations = await target.rows('SELECT * FROM cch_data.migrations ORDER BY 1');
    await importOk(target, hubs.v05.archive, { overwrite, env: { AUTO_MIGRATE: 'true' } });
    assert.equal(await target.value('SELECT id FROM cch_data.probe'), '7');
    assert.deepEqual((await target.rows('SELECT * FROM cch_data.migrations ORDER BY 1')).map(([id]) => id), migrations.map(([id]) => id));
  });

  test('does not import an archive\'s own cch_data', async () => {
    const source = await hub('v05');
    await cli(['migrate'], { dsn: source.dsn });
    await source.exec(`CREATE TABLE cch_data.probe (id integer); INSERT INTO cch_data.probe VALUES (1)`);
    const archive = await source.pgDump(path.join(dir, 'with-own.dump'));
    const target = await hub('v05');
    await importOk(target, archive, { overwrite });
    assert.equal(await target.value(`SELECT to_regclass('cch_data.probe')`), null);
  });

  test('is refused while objects of another schema depend on what it would drop', async () => {
    const target = await hub('v05');
    await target.exec(`CREATE SCHEMA reports; CREATE VIEW reports.active AS SELECT id FROM public.users`);
    const { last } = await assertRefused(target, hubs.v05.archive, 'import.dependent_objects', 7, { overwrite });
    assert.match(last.message, /reports\.active/);
  });

  test('waits for an open reader, says so, and goes on when it is gone', async () => {
    const target = await hub('v05');
    await target.exec('DELETE FROM users WHERE id > 10');
    const reader = target.session();
    await reader.exec('BEGIN; SELECT count(*) FROM users');
    const importing = importOk(target, hubs.v05.archive, { overwrite, env: { LOCK_WAIT: '60' } });
    await until('an import that waits', () => target.value("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')").then((text) => text === 't'), 60_000);
    await setTimeout(3000);
    await reader.exec('COMMIT');
    const { events } = await importing;
    assert.ok(events.some((event) => event.phase === 'locks' && event.message), 'it does not say that it waits');
    assert.equal(await target.count('users'), 50);
    await reader.close();
  });

  test('gives up behind a reader that stays, changes nothing, and never makes others wait for long', async () => {
    const target = await hub('v05');
    const reader = target.session();
    await reader.exec('BEGIN; SELECT count(*) FROM users');
    let done = false;
    let longest = 0;
    const importing = importByCli(target, hubs.v05.archive, { overwrite, env: { LOCK_WAIT: '6' } }).finally(() => (done = true));
    while (!done) {
      const started = Date.now();
      await target.value('SELECT count(*) FROM users');
      longest = Math.max(longest, Date.now() - started);
    }
    const { last, code } = await importing;
    assert.equal(last.errorCode, 'database.lock_timeout');
    assert.equal(code, 7);
    assert.ok(longest < 5000, `another reader waited ${longest} ms`);
    await reader.exec('COMMIT');
    await reader.close();
    await until('no backend left', async () => (await target.backends()).length === 0);
    assert.equal(await target.count('users'), 50);
    assert.equal(await target.count('message_request'), 3000);
  });

  test('with skipLogs keeps the structure of the request log and warns of the rows that it empties', async () => {
    const target = await hub('v05');
    const { events } = await importOk(target, hubs.v05.archive, { overwrite, skipLogs: true });
    assert.equal(await target.count('message_request'), 0);
    assert.equal(await target.count('users'), 50);
    assert.equal(await target.value(`SELECT count(*) FROM pg_indexes WHERE tablename = 'message_request'`), '14');
    assert.ok(events.some((event) => event.warning && /\b3000\b/.test(event.message ?? '') && /message_request/.test(event.message)));
  });

  test('from an archive without logs warns of the rows that it empties', async () => {
    const target = await hub('v05');
    const { events } = await importOk(target, hubs.v05.noLogs, { overwrite });
    assert.ok(events.some((event) => event.warning && /\b3000\b/.test(event.message ?? '') && /message_request/.test(event.message)));
    assert.equal(await target.count('message_request'), 0);
  });

  test('that fails late leaves everything as it was', async () => {
    const source = await Database.create(server);
    await source.exec(`
      CREATE TABLE a (id serial PRIMARY KEY); INSERT INTO a SELECT FROM generate_series(1, 1000);
      CREATE FUNCTION fine(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$;
      CREATE INDEX at_the_end ON a (fine(id));
      CREATE OR REPLACE FUNCTION fine(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1 / ($1 - 500); END $$;`);
    const archive = await source.pgDump(path.join(dir, 'late.dump'));
    const target = await hub('v05');
    await target.exec(`SELECT nextval('users_id_seq'); DROP SCHEMA drizzle CASCADE`);
    const { last } = await assertRefused(target, archive, 'database.query_failed', 7, { overwrite });
    assert.match(last.message, /division by zero/);
  });

  test('migrates our own tables afterwards, where no hub manages the database', async () => {
    const target = await Database.create(server);
    await cli(['migrate', '--hub-tables'], { dsn: target.dsn });
    const archive = await target.pgDump(path.join(dir, 'own-database.dump'), '-T', 'model_prices*');
    await importOk(target, archive, { overwrite, env: { AUTO_MIGRATE: 'true' } });
    assert.equal(await target.value(`SELECT to_regclass('public.model_prices')`), 'model_prices');
  });
});
