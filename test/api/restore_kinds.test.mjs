// Kinds of archives that were once counted wrongly, refused, or too large for the server: rows that are loaded through a partitioned
// root, extensions of other roles, objects that only superusers may make, extensions that are not here, archives of old PostgreSQL,
// very many large objects, names with control sequences for terminals.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { shopEntries, writeOldArchive } from './support/old_archive.mjs';
import { assertRefused, importByCli, importOk, previewByCli, tableReport, warnings } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('restore-kinds');
const file = (name) => path.join(dir, name);

describe('an archive', { skip: !haveBinary && 'no binary' }, () => {
  let server;

  before(async () => {
    server = await startPostgres({ config: 'max_locks_per_transaction = 10\nmax_connections = 20' });
    await new Database(server, 'postgres').exec('CREATE ROLE owner LOGIN; CREATE ROLE swapper LOGIN CREATEDB; CREATE ROLE other');
  });

  const partitioned = (bounds, key) => `
    CREATE TABLE p (id integer${key}, v text) PARTITION BY RANGE (id);
    ${bounds.map(([name, from, to]) => `CREATE TABLE ${name} PARTITION OF p FOR VALUES FROM (${from}) TO (${to});`).join('\n')}`;

  for (const [what, key] of [['with a key', ' PRIMARY KEY'], ['without a key', '']]) {
    test(`by way of the root merges into other bounds, ${what}`, async () => {
      const source = await Database.create(server);
      await source.exec(partitioned([['p1', 0, 100], ['p2', 100, 200]], key) + `INSERT INTO p SELECT i, 'archive' FROM generate_series(0, 199) AS i`);
      const archive = await source.pgDump(file(`root${key.length}.dump`), '--load-via-partition-root');
      const target = await Database.create(server);
      await target.exec(partitioned([['p1', 0, 50], ['p2', 50, 300]], key) + `
        INSERT INTO p SELECT i, 'archive' FROM generate_series(40, 159) AS i;
        INSERT INTO p SELECT i, 'live' FROM generate_series(200, 209) AS i;
        CREATE FUNCTION count_inserts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a trigger ran''; END';
        CREATE TRIGGER t BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION count_inserts();`);
      const { preview } = await previewByCli(target, archive);
      const found = preview.tables.filter(({ table }) => /public\.p[12]$/.test(table));
      const sum = (name) => found.reduce((total, table) => total + table[name], 0);
      assert.deepEqual(['added', 'identical', 'different', 'onlyLive', 'liveRows'].map(sum), [80, 120, 0, 10, 130]);
      const { last } = await importOk(target, archive);
      assert.deepEqual([tableReport(last, 'public.p1'), tableReport(last, 'public.p2')], [[100, 40, 60], [100, 40, 60]]);
      assert.equal(await target.count('p'), 210);
      const again = await importOk(target, archive);
      for (const table of again.last.tables) assert.equal(table.inserted, 0, table.table);
      await target.exec(`INSERT INTO p VALUES (299, 'x')`).then(() => assert.fail('the trigger is off'), (error) => assert.match(error.message, /a trigger ran/));
    });
  }

  test('of the owner\'s own database goes back in although extensions belong to somebody else', async () => {
    const target = await Database.create(server, { options: 'OWNER owner' });
    await target.exec(`
      CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pg_trgm; COMMENT ON EXTENSION "uuid-ossp" IS 'changed here';
      ALTER SCHEMA public OWNER TO owner;`);
    await target.exec(`CREATE TABLE t (id integer PRIMARY KEY, u uuid DEFAULT uuid_generate_v4()); INSERT INTO t SELECT generate_series(1, 100)`, { user: 'owner' });
    const dsn = server.dsn(target.name, 'owner');
    const archive = file('owner.dump');
    const { code, stderr } = await cli(['export', archive], { dsn });
    assert.equal(code, 0, stderr);
    await target.exec('DELETE FROM t WHERE id > 50', { user: 'owner' });
    const merged = await importOk(target, archive, { dsn });
    assert.deepEqual(tableReport(merged.last, 'public.t'), [100, 50, 50]);
    assert.equal(merged.last.warningCount, 0, JSON.stringify(warnings(merged.events)));
    await importOk(target, archive, { dsn, overwrite: true, args: ['--method', 'transaction'] });
    assert.equal(await target.count('t'), 100);
    assert.deepEqual(await target.rows('SELECT extname FROM pg_extension ORDER BY 1'), [['pg_trgm'], ['plpgsql'], ['uuid-ossp']]);
  });

  test('of very many large objects needs no lock for each, and keeps their owners', async () => {
    const source = await Database.create(server);
    await source.exec(`
      SELECT count(lo_from_bytea(100000 + i, 'x')) FROM generate_series(1, 2000) AS i;
      SET ROLE other; SELECT count(lo_from_bytea(200000 + i, 'y')) FROM generate_series(1, 2000) AS i;`);
    const archive = file('objects.dump');
    const { code, stderr } = await cli(['export', archive], { dsn: source.dsn });
    assert.equal(code, 0, stderr);
    const target = await Database.create(server);
    const { last } = await importOk(target, archive);
    assert.equal(last.warningCount, 0);
    const owners = `SELECT lomowner::regrole, count(*) FROM pg_largeobject_metadata GROUP BY 1 ORDER BY 1`;
    assert.deepEqual(await target.rows(owners), await source.rows(owners));
    assert.equal(await target.value(`SELECT convert_from(lo_get(202000), 'UTF8')`), 'y');
    await importOk(target, archive);
    /* Removing them needs a lock for each, and the server names the remedy. */
    const failed = await importByCli(target, archive, { overwrite: true, args: ['--method', 'transaction'] });
    assert.equal(failed.last.type, 'error');
    assert.match(failed.last.message, /max_locks_per_transaction/);
  });

  test('with what only superusers and other roles may make comes without it, one warning each, foretold; strict refuses', async () => {
    const source = await Database.create(server);
    await source.exec(`
      CREATE TABLE a (id integer PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x');
      COMMENT ON SCHEMA public IS 'ours'; GRANT USAGE ON SCHEMA public TO other;
      CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); COMMENT ON EVENT TRIGGER e IS 'of e';
      CREATE PUBLICATION p FOR ALL TABLES; COMMENT ON PUBLICATION p IS 'of p'; CREATE PUBLICATION q FOR TABLE a;
      ALTER DEFAULT PRIVILEGES FOR ROLE other GRANT SELECT ON TABLES TO PUBLIC`);
    const archive = await source.pgDump(file('superuser.dump'));
    for (const [how, args] of [['merge', []], ['transaction', ['--overwrite', '--method', 'transaction']]]) {
      const target = await Database.create(server, { options: 'OWNER owner' });
      await target.exec('ALTER SCHEMA public OWNER TO postgres; GRANT ALL ON SCHEMA public TO owner');
      const dsn = server.dsn(target.name, 'owner');
      const { stdout } = await cli(['import', '--dry-run', '--json', ...args, archive], { dsn });
      const foretold = JSON.parse(stdout).warnings.join('\n');
      const { last, events } = await importOk(target, archive, { dsn, args });
      assert.deepEqual(tableReport(last, 'public.a'), [1, 1, 0]);
      for (const what of ['COMMENT SCHEMA public', 'ACL SCHEMA public', 'EVENT TRIGGER e', 'PUBLICATION p', 'DEFAULT ACL DEFAULT PRIVILEGES FOR TABLES']) {
        assert.ok(foretold.includes(what), `${how}: ${what} is not in ${foretold}`);
        assert.equal(warnings(events).filter((text) => text.includes(`: ${what}: `)).length, 1, `${how}: ${what}: ${warnings(events).join('\n')}`);
      }
      assert.deepEqual(await target.rows('SELECT pubname FROM pg_publication'), [['q']]);
      await target.exec('DELETE FROM a', { user: 'owner' });
      const refused = await assertRefused(target, archive, 'import.left_out', 7, { dsn, args: [...args, '--strict'] });
      assert.match(refused.last.message, /public|PUBLICATION p|EVENT TRIGGER e/);
    }
  });

  test('is not swapped where schema public belongs to a role whose rights are missing: status and preview say so and how to change it', async () => {
    const target = await Database.create(server, { options: 'OWNER swapper' });
    await target.exec('CREATE TABLE t (id integer PRIMARY KEY); ALTER TABLE t OWNER TO swapper; ALTER SCHEMA public OWNER TO postgres; GRANT ALL ON SCHEMA public TO swapper');
    const dsn = server.dsn(target.name, 'swapper');
    const archive = await target.pgDump(file('public.dump'));
    await cli(['migrate'], { dsn });
    const refused = await assertRefused(target, archive, 'import.swap_impossible', 7, { dsn, overwrite: true, args: ['--method', 'swap'] });
    assert.match(refused.last.message, /public.*postgres.*ALTER SCHEMA public OWNER TO pg_database_owner/);
    const { stdout } = await cli(['import', '--dry-run', '--json', '--overwrite', archive], { dsn, env: { AUTO_MIGRATE: 'true' } });
    assert.match(stdout, /ALTER SCHEMA public OWNER TO pg_database_owner/);
    await target.exec('ALTER SCHEMA public OWNER TO pg_database_owner');
    await importOk(target, archive, { dsn, overwrite: true, args: ['--method', 'swap'], env: { UNDO_KEEP: '0', AUTO_MIGRATE: 'true' } });
  });

  test('whose extension is not here is imported without it, and what depends on it, unless rows or keys do', async () => {
    const source = await Database.create(server);
    await source.exec(`
      CREATE EXTENSION pg_trgm; CREATE TABLE a (id integer PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x');
      CREATE INDEX by_trigram ON a USING gin (v gin_trgm_ops); CREATE VIEW alike AS SELECT similarity(v, 'x') FROM a;
      COMMENT ON VIEW alike IS 'of the view'`);
    const rename = (from, to) => {
      const bytes = readFileSync(from).toString('latin1').replaceAll('pg_trgm', 'pg_trgx');
      writeFileSync(to, bytes, 'latin1');
      return to;
    };
    const archive = rename(await source.pgDump(file('trgm.dump')), file('trgx.dump'));
    const target = await Database.create(server);
    const refused = await assertRefused(target, archive, 'database.query_failed', 7);
    assert.match(refused.last.message, /--without-extension pg_trgx/);
    const args = ['--without-extension', 'pg_trgx'];
    const { preview } = await previewByCli(target, archive, { args });
    const left = ['EXTENSION pg_trgx', 'COMMENT EXTENSION pg_trgx', 'INDEX public.by_trigram', 'VIEW public.alike', 'COMMENT public.VIEW alike'];
    for (const way of [{}, { overwrite: true, args: ['--method', 'transaction'] }, { overwrite: true, args: ['--method', 'swap'] }]) {
      const { events } = await importOk(target, archive, { ...way, args: [...(way.args ?? []), ...args], env: { AUTO_MIGRATE: 'true' } });
      for (const what of left) {
        assert.ok(preview.warnings.some((text) => text.endsWith(`: ${what}`)), `${what} is not in ${preview.warnings.join('\n')}`);
        assert.equal(warnings(events).filter((text) => text.endsWith(`: ${what}`)).length, 1, what);
      }
      assert.deepEqual(await target.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`), [['a'], ['a_pkey']]);
    }
    await source.exec('CREATE EXTENSION citext; ALTER TABLE a ADD c citext');
    const needed = await source.pgDump(file('citext.dump'));
    const kept = await assertRefused(target, needed, 'import.incompatible', 7, { args: ['--without-extension', 'citext'] });
    assert.match(kept.last.message, /citext.*TABLE public\.a/);
    await assertRefused(target, needed, 'request.validation_failed', 3, { args: ['--without-extension', 'nothing'] });
  });

  test('of PostgreSQL 9 is merged, overwritten in both ways and previewed as pg_restore restores it', async () => {
    const archive = writeOldArchive(file('old.dump'), shopEntries());
    const text = (database) => database.dumpText('-N', 'cch_data', '--no-owner', '--no-acl');
    const [reference, target, some] = await Promise.all([Database.create(server), Database.create(server), Database.create(server)]);
    await reference.pgRestore(archive); // ends with 1, because schema public exists
    await reference.exec('ALTER SCHEMA public OWNER TO pg_database_owner');
    const expected = await text(reference);
    const merged = await importOk(target, archive);
    assert.deepEqual([await text(target), warnings(merged.events)], [expected, []]);
    await target.exec(`DELETE FROM stock."Box" WHERE id = 11; ALTER TABLE public.fruit DROP CONSTRAINT fruit_check; SELECT setval('fruit_id_seq', 3)`);
    const { preview } = await previewByCli(target, archive);
    assert.deepEqual(preview.tables.map(({ table, added, identical }) => [table, added, identical]), [['public.fruit', 0, 2], ['stock.Box', 1, 1]]);
    const again = await importOk(target, archive);
    assert.deepEqual([tableReport(again.last, 'stock.Box'), warnings(again.events)], [[2, 1, 1], []]);
    assert.equal(await target.value('SELECT last_value FROM fruit_id_seq'), '7');
    for (const method of ['transaction', 'swap']) {
      const over = await importOk(target, archive, { overwrite: true, args: ['--method', method], env: { AUTO_MIGRATE: 'true' } });
      assert.deepEqual([await text(target), warnings(over.events)], [expected, []], method);
    }
    await importOk(some, archive, { args: ['--table', 'fruit'] });
    assert.deepEqual(await some.rows(`SELECT conname FROM pg_constraint WHERE conrelid = 'public.fruit'::regclass ORDER BY 1`), [['fruit_check'], ['fruit_pkey']]);
    assert.equal(await some.value(`SELECT to_regclass('stock."Box"')`), null);
  });

  test('with names that a terminal would obey is shown without their effect', async () => {
    const source = await Database.create(server);
    await source.exec(`CREATE TABLE U&"a\\001b[31m\\000ab" (id integer PRIMARY KEY, U&"c\\009b2J" integer); INSERT INTO U&"a\\001b[31m\\000ab" VALUES (1, 2)`);
    const archive = await source.pgDump(file('names.dump'));
    const target = await Database.create(server);
    await target.exec(`CREATE TABLE U&"a\\001b[31m\\000ab" (id integer PRIMARY KEY)`);
    for (const args of [['inspect', archive], ['verify', archive], ['import', '--dry-run', archive], ['import', '--yes', archive]]) {
      const { stdout, stderr } = await cli(args, { dsn: target.dsn });
      assert.doesNotMatch(stdout + stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/, args[0]);
      assert.match(stdout + stderr, /a\\x1b\[31m\\nb/, args[0]);
    }
  });
});
