// Kinds of archives that were once counted wrongly, refused, or too large for the server: rows that are loaded through a partitioned
// root, extensions of other roles, very many large objects, names with control sequences for terminals.

import assert from 'node:assert/strict';
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
    await new Database(server, 'postgres').exec('CREATE ROLE owner LOGIN; CREATE ROLE other');
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
