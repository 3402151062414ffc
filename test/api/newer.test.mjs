// Features of PostgreSQL 18: restored on 18 as by stock pg_restore, and reported before any change when the server is older.
// PostgreSQL 18 comes from tools/postgres-versions.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { assertRefused, importOk, previewByCli, warnings } from './support/product.mjs';
import { runOk } from './support/run.mjs';
import { startPostgres, versionDir } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('newer');
const file = (name) => path.join(dir, name);
const bin18 = path.join(versionDir(18), 'client/bin');
const missing = !existsSync(bin18) && 'tools/postgres-versions 18 has not been run';

const schema = `
  CREATE TABLE v (a integer, b integer GENERATED ALWAYS AS (a * 2) VIRTUAL, c text GENERATED ALWAYS AS ('x' || a::text) STORED);
  INSERT INTO v (a) SELECT generate_series(1, 100);
  CREATE TABLE nn (a integer, b integer CONSTRAINT b_there NOT NULL);
  INSERT INTO nn VALUES (NULL, 1);
  ALTER TABLE nn ADD CONSTRAINT nn_a NOT NULL a NOT VALID;
  CREATE TABLE stays (room int4range, during daterange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
  CREATE TABLE guests (id integer PRIMARY KEY, room int4range, during daterange,
                       FOREIGN KEY (room, PERIOD during) REFERENCES stays (room, PERIOD during));
  INSERT INTO stays VALUES ('[1,1]', '[2026-01-01,2026-02-01)'), ('[1,1]', '[2026-02-01,2026-03-01)');
  INSERT INTO guests VALUES (1, '[1,1]', '[2026-01-15,2026-02-15)');
  CREATE TABLE loose (id integer PRIMARY KEY, n integer, CONSTRAINT n_positive CHECK (n > 0) NOT ENFORCED,
                      other integer CONSTRAINT loose_other REFERENCES loose (id) NOT ENFORCED);
  INSERT INTO loose VALUES (1, -1, 77);
  CREATE TABLE parent (a integer CONSTRAINT parent_a NOT NULL NO INHERIT);
  CREATE TABLE child () INHERITS (parent);
  INSERT INTO child VALUES (NULL);
  SELECT lo_from_bytea(4711, 'large');
  GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;
`;

async function withService(options, use) {
  const service = await Service.start(options);
  return use(service).finally(() => service.stop());
}

describe('what PostgreSQL 18 added', { skip: (!haveBinary && 'no binary') || missing }, () => {
  let of18, of15, source, archive, expected;
  const env = { PG_BIN_DIR: bin18 };
  const text = async (database) => {
    const { stdout } = await runOk(path.join(bin18, 'pg_dump'), ['--no-sync', '--statistics', '-N', 'cch_data'], { env: database.env });
    return stdout.split('\n').filter((line) => !/^(\\(un)?restrict |-- Dumped (from|by) )/.test(line)).join('\n');
  };
  const same = (actual, what) => {
    const difference = firstDifference(actual, expected);
    assert.ok(difference === null, `${what}: ${difference}`);
  };

  before(async () => {
    [of15, of18] = await Promise.all([startPostgres(), startPostgres({ major: 18 })]);
    source = await Database.create(of18);
    await source.exec(schema);
    await source.exec('ANALYZE');
    archive = file('18.dump');
    await runOk(path.join(bin18, 'pg_dump'), ['-Fc', '--no-sync', '--statistics', '-f', archive], { env: source.env });
    const stock = await Database.create(of18);
    await runOk(path.join(bin18, 'pg_restore'), ['-d', stock.name, archive], { env: stock.env });
    expected = await text(stock);
  });

  test('is exported, merged and overwritten as by stock pg_restore', async () => {
    const ours = file('ours.dump');
    const { code, stderr } = await cli(['export', ours], { dsn: source.dsn, env });
    assert.equal(code, 0, stderr);
    const merged = await Database.create(of18);
    await importOk(merged, archive);
    same(await text(merged), 'merged');
    const restored = await Database.create(of18);
    await runOk(path.join(bin18, 'pg_restore'), ['-d', restored.name, ours], { env: restored.env });
    const plain = async (database) => (await runOk(path.join(bin18, 'pg_dump'), ['--no-sync'], { env: database.env })).stdout.replace(/^\\(un)?restrict .*$/gm, '');
    assert.equal(firstDifference(await plain(restored), await plain(source)), null);
    for (const method of ['swap', 'transaction']) {
      const target = await Database.create(of18);
      assert.equal((await cli(['migrate'], { dsn: target.dsn })).code, 0);
      await importOk(target, ours, { overwrite: true, args: ['--method', method] });
      for (const table of ['v', 'nn', 'stays', 'guests', 'loose', 'child']) {
        const rows = `SELECT * FROM public.${table} ORDER BY 1`;
        assert.deepEqual(await target.rows(rows), await source.rows(rows), `${table} by ${method}`);
      }
      assert.equal(await target.value(`SELECT convert_from(lo_get(4711), 'UTF8')`), 'large');
      const constraints = `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text IN ('v', 'nn', 'stays', 'guests', 'loose', 'parent', 'child') ORDER BY 1, 2`;
      assert.deepEqual(await target.rows(constraints), await source.rows(constraints), method);
    }
  });

  test('is named, table and column, before anything is changed on 15', async () => {
    const target = await Database.create(of15);
    const { preview } = await previewByCli(target, archive);
    const warning = preview.warnings.find((text) => /PostgreSQL 15/.test(text) && /public\.v\.b/.test(text));
    assert.ok(warning, JSON.stringify(preview.warnings));
    for (const overwrite of [false, true]) {
      const { last } = await assertRefused(target, archive, 'import.incompatible', 7, { overwrite });
      for (const what of [/public\.v\.b: GENERATED … VIRTUAL \(PostgreSQL 18\)/, /nn nn_a: CONSTRAINT … NOT NULL/, /WITHOUT OVERLAPS/, /PERIOD/, /n_positive: NOT ENFORCED/, /public\.parent\.a: NOT NULL … NO INHERIT/]) {
        assert.match(last.message, what);
      }
      assert.doesNotMatch(last.message, /public\.v\.c|b_there/);
    }
  });

  test('a database with ICU is swapped, with its rules, and status and swap tell of a collation that has changed', async () => {
    for (const [server, rules, more] of [[of15, '', {}], [of18, '', env], [of18, `ICU_RULES '&a < g'`, env]]) {
      const how = { env: { ...more, AUTO_MIGRATE: 'true' } };
      const database = await Database.create(server, { options: `LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C' ${rules}` });
      await database.exec(`CREATE TABLE t (v text PRIMARY KEY); INSERT INTO t VALUES ('b'), ('g'), ('a')`);
      const dump = file('icu.dump');
      await runOk(path.join(bin18, 'pg_dump'), ['-Fc', '--no-sync', '-f', dump, '-t', 't'], { env: database.env });
      await importOk(database, dump, { overwrite: true, args: ['--method', 'swap'], ...how });
      assert.equal(await database.value(`SELECT string_agg(v, '' ORDER BY v) FROM t`), rules ? 'agb' : 'abg');
      const locale = await database.value(`SELECT to_jsonb(d) ->> 'datlocprovider' FROM pg_database d WHERE datname = current_database()`);
      assert.equal(locale, 'i');
      if (rules) continue;
      await withService({ dsn: database.dsn, env: how.env }, async (service) => {
        assert.equal((await service.status()).collationHint, null);
        await database.exec(`UPDATE pg_database SET datcollversion = '1.0' WHERE datname = current_database()`);
        const { collationHint } = await (await service.fetch('/api/admin/database/status', { headers: { 'accept-language': 'en' } })).json();
        assert.match(collationHint, new RegExp(`1\\.0, now .*REINDEX DATABASE ${database.name}`));
      });
      const { events } = await importOk(database, dump, { overwrite: true, args: ['--method', 'swap'], ...how });
      assert.deepEqual(warnings(events).filter((text) => /REINDEX/.test(text)), [], 'a new database has the new version');
    }
  });

  test('a swap makes indexes anew, and records the collations\' versions of now, or says that it may not', async () => {
    const of = await startPostgres();
    await new Database(of, 'postgres').exec('CREATE ROLE hub LOGIN CREATEDB; ALTER DATABASE template0 ALLOW_CONNECTIONS true');
    await new Database(of, 'template0').exec(`UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'en-x-icu'`);
    for (const user of ['postgres', 'hub']) {
      const database = await Database.create(of, { options: `OWNER ${user}` });
      await database.exec(`CREATE TABLE t (v text COLLATE "en-x-icu" PRIMARY KEY); INSERT INTO t VALUES ('b'), ('a'); ALTER TABLE t OWNER TO ${user}`);
      const dump = await database.pgDump(file('collation.dump'));
      const dsn = of.dsn(database.name, user);
      const hint = () => withService({ dsn }, async (service) => (await (await service.fetch('/api/admin/database/status', { headers: { 'accept-language': 'en' } })).json()).collationHint);
      assert.match(await hint(), /en-x-icu \(1\.0, now .*built before that may miss rows: run REINDEX/);
      const { events } = await importOk(database, dump, { dsn, overwrite: true, args: ['--method', 'swap'], env: { AUTO_MIGRATE: 'true', LANG: 'C.UTF-8' } });
      const told = warnings(events).filter((text) => /en-x-icu/.test(text));
      if (user === 'postgres') assert.deepEqual([told, await hint()], [[], null]);
      else assert.match(told.join(), /need no REINDEX.*ALTER COLLATION|无需 REINDEX.*ALTER COLLATION/);
    }
  });

  test('planner statistics never touch a table that was there, and never fail an import', async () => {
    const target = await Database.create(of18);
    await target.exec('CREATE TABLE v (a integer, c text); INSERT INTO v SELECT generate_series(1, 5000); ANALYZE v');
    const { last } = await importOk(target, archive);
    assert.equal(last.type, 'complete');
    assert.equal(await target.value(`SELECT reltuples FROM pg_class WHERE relname = 'v'`), '5000');
  });
});

// Archives by pg_dump 17.12 and 18.6 of a small database with partitions, a sequence and large objects (fixtures/archives), and by
// pg_dump 16.4 as WebAssembly, which has neither LZ4 nor zstd.
describe('archives of pg_dump 16, 17 and 18', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  before(async () => {
    server = await startPostgres();
  });

  for (const name of ['v16-gzip', 'v17-gzip', 'v17-lz4', 'v17-zstd', 'v18-gzip', 'v18-lz4', 'v18-zstd', 'v18-statistics']) {
    test(`${name}: is verified, and brought over whole`, async () => {
      const archive = fixture(`archives/${name}.dump`);
      assert.equal((await cli(['verify', archive])).code, 0);
      for (const options of [{}, { overwrite: true, args: ['--method', 'transaction'] }]) {
        const target = await Database.create(server);
        await importOk(target, archive, options);
        const [found] = await target.rows(`SELECT (SELECT count(*) FROM notes), (SELECT sum(length(note)) FROM notes), (SELECT count(*) FROM parts_a),
          (SELECT last_value FROM counter), convert_from(lo_get(4711), 'UTF8'), md5(lo_get(4712)), obj_description(4711, 'pg_largeobject')`);
        assert.deepEqual(found, ['300', '20736', '5', '42', 'first', '4ea7a9c7fd813b2f10000285d19d970c', 'the first']);
      }
    });
  }
});
