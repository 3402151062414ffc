// The parallel export: every kind of table, one snapshot, and its cost.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { bearer } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { exportOverHttp } from './support/product.mjs';
import { run, runOk, until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, adminToken, cli, haveBinary, isSanitized, peakRssBytes } from './support/service.mjs';

const EXPORT = '/api/admin/database/export';
const dir = temporaryDirectory('export-parallel');
let count = 0;
const newFile = () => path.join(dir, `${++count}.dump`);

describe('a parallel export', { skip: !haveBinary && 'no binary' }, () => {
  let server;

  before(async () => {
    server = await startPostgres();
  });

  async function create(sql) {
    const database = await Database.create(server);
    await database.exec(sql);
    return database;
  }

  async function exportOk(database, ...args) {
    const file = newFile();
    const { code, stderr, stdout } = await cli(['export', '--json', ...args, file], { dsn: database.dsn });
    assert.equal(code, 0, stderr);
    return { file, result: JSON.parse(stdout), manifest: JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8')) };
  }

  // Restores with stock pg_restore and asserts that the result equals the original.
  async function assertRestores(database, file, ...args) {
    const target = await Database.create(server);
    const { code, stderr } = await target.pgRestore(file, ...args);
    assert.equal(code, 0, stderr);
    const [actual, expected] = await Promise.all([target, database].map((d) => d.dumpText('-N', 'cch_data', '--exclude-table-data', 'large')));
    // The rows of a table have no defined order.
    const sorted = (text) => text.split('\n').sort().join('\n');
    const difference = firstDifference(sorted(actual), sorted(expected));
    assert.ok(difference === null, difference);
    assert.deepEqual(await rowsOfLarge(target), await rowsOfLarge(database));
    return target;
  }

  // A hash sum of the rows of `large`, if that table exists: sorting their text would take a second.
  const rowsOfLarge = async (database) => (await database.value(`SELECT to_regclass('large')`)) !== null &&
    database.rows('SELECT count(*), sum(hashtextextended(l::text, 0)::numeric) FROM large AS l');

  // A table of three ranges.
  const large = `
    CREATE TABLE large (id integer PRIMARY KEY, v text, "Generated" integer GENERATED ALWAYS AS (id * 2) STORED, dropped integer);
    ALTER TABLE large DROP COLUMN dropped;
    INSERT INTO large SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 200000) AS i;
    DELETE FROM large WHERE id % 7 = 0;`;

  describe('is restored by stock pg_restore', () => {
    test('with a table in several ranges', async () => {
      const database = await create(large);
      for (const [jobs, ...args] of [['1', '-j2'], ['3']]) {
        const { file } = await exportOk(database, '--jobs', jobs);
        await assertRestores(database, file, ...args);
      }
      await database.drop();
    });

    test('from each compression, and from standard output', async () => {
      const database = await create(large);
      for (const compression of ['fast', 'balanced', 'small', 'none']) {
        const { file, manifest } = await exportOk(database, '--compression', compression);
        assert.equal(manifest.compression, compression);
        await assertRestores(database, file);
        assert.equal((await cli(['verify', file])).code, 0);
      }
      const { stdout, code } = await cli(['export', '-'], { dsn: database.dsn, encoding: null });
      assert.equal(code, 0);
      const file = newFile();
      writeFileSync(file, stdout);
      await assertRestores(database, file, '-j2');
      await database.drop();
    });

    test('with partitions, heirs, tables without columns, unlogged ones and empty ones', async () => {
      const database = await create(`
        CREATE TABLE parted (k integer, v text) PARTITION BY RANGE (k);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
        CREATE TABLE "Parted ""2""" (v text, k integer);
        ALTER TABLE parted ATTACH PARTITION "Parted ""2""" FOR VALUES FROM (100) TO (200);
        INSERT INTO parted SELECT i, 'v' || i FROM generate_series(0, 199) AS i;
        CREATE TABLE parent (a integer); CREATE TABLE heir (b integer) INHERITS (parent);
        INSERT INTO parent VALUES (1); INSERT INTO heir VALUES (2, 3);
        CREATE TABLE no_columns (); INSERT INTO no_columns SELECT FROM generate_series(1, 5);
        CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS a; CREATE TABLE empty (a integer);
        CREATE TABLE traps (v text); INSERT INTO traps VALUES ('\\.'), (E'a\\nb\\tc\\\\.'), (NULL), (''), ('\\N');
        CREATE MATERIALIZED VIEW stored AS SELECT count(*) FROM parted; CREATE SEQUENCE s START 7; SELECT nextval('s');`);
      const { file, manifest } = await exportOk(database);
      const target = await assertRestores(database, file);
      assert.equal(await target.value('SELECT count(*) FROM no_columns'), '5');
      const rows = Object.fromEntries(manifest.tables.map((table) => [table.name, table.rows]));
      assert.deepEqual(rows, { parted_1: 100, 'Parted "2"': 100, parent: 1, heir: 1, no_columns: 5, unlogged: 1, empty: 0, traps: 5 });
    });

    test('with large objects of every size', async () => {
      const database = await create(`
        SELECT lo_from_bytea(5001, ''), lo_from_bytea(5002, '\\x00ff'), lo_from_bytea(5003, decode(repeat('00', 524288), 'hex')),
          lo_from_bytea(5004, decode(repeat('ab', 1048577), 'hex')), lo_create(5005);
        SELECT lo_put(5005, 3000000, 'sparse');`);
      const { file } = await exportOk(database);
      const target = await assertRestores(database, file);
      const digests = `SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid`;
      assert.deepEqual(await target.rows(digests), await database.rows(digests));
    });

    test('when there is nothing in it, and when there are 2000 tables', async () => {
      const empty = await create('SELECT 1');
      await assertRestores(empty, (await exportOk(empty)).file);
      const many = await create(`DO $$ BEGIN FOR i IN 1..2000 LOOP
        EXECUTE format('CREATE TABLE t%s AS SELECT %s AS id', i, i); COMMIT; END LOOP; END $$`);
      const { file, manifest } = await exportOk(many, '--jobs', '4');
      assert.equal(manifest.tables.length, 2000);
      assert.ok(manifest.tables.every((table) => table.rows === 1));
      assert.equal((await cli(['verify', file])).code, 0);
      assert.equal((await runOk('pg_restore', ['-l', file])).stdout.match(/ TABLE DATA /g).length, 2000);
      await many.drop();
    });

    test('with the rows of an extension\'s configuration table that its condition names', async () => {
      const share = (await runOk(path.join(server.binDir, 'pg_config'), ['--sharedir'])).stdout.trim();
      const directory = path.join(share, 'extension');
      const name = 'cch_data_test_conf';
      const files = [[`${name}.control`, `default_version = '1'\nrelocatable = true\n`], [`${name}--1.sql`, `
        CREATE TABLE conf_some (k integer, v text); CREATE TABLE conf_all (k integer); CREATE TABLE conf_none (k integer);
        SELECT pg_catalog.pg_extension_config_dump('conf_some', 'WHERE k > 10');
        SELECT pg_catalog.pg_extension_config_dump('conf_all', '');`]];
      const { rmSync } = await import('node:fs');
      try {
        for (const [file, text] of files) writeFileSync(path.join(directory, file), text);
      } catch (error) {
        return void assert.equal(error.code, 'EACCES'); // not writable: an installation of another user
      }
      try {
        const database = await create(`CREATE EXTENSION ${name}; INSERT INTO conf_some SELECT i, 'x' FROM generate_series(1, 20) AS i;
          INSERT INTO conf_all VALUES (1), (2); INSERT INTO conf_none VALUES (1)`);
        const { file } = await exportOk(database);
        const target = await Database.create(server);
        assert.equal((await target.pgRestore(file)).code, 0);
        const counts = [];
        for (const table of ['conf_some', 'conf_all', 'conf_none']) counts.push(await target.count(table));
        assert.deepEqual(counts, [10, 2, 0]);
      } finally {
        for (const [file] of files) rmSync(path.join(directory, file), { force: true });
      }
    });

    test('over TLS', async () => {
      const secure = path.join(dir, 'tls');
      await runOk('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', '2',
        '-keyout', `${secure}.key`, '-out', `${secure}.crt`]);
      const key = readFileSync(`${secure}.key`, 'utf8');
      const certificate = readFileSync(`${secure}.crt`, 'utf8');
      const database = await create(large);
      const admin = new Database(server, 'postgres');
      // The server writes the files, so that its user owns them.
      await admin.exec(`COPY (SELECT unnest(string_to_array($k$${key.trim()}$k$, E'\\n'))) TO '${server.dataDir}/server.key';
        COPY (SELECT unnest(string_to_array($k$${certificate.trim()}$k$, E'\\n'))) TO '${server.dataDir}/server.crt';
        COPY (SELECT 1) TO PROGRAM 'chmod 600 ${server.dataDir}/server.key';`);
      await admin.exec('ALTER SYSTEM SET ssl = on');
      await admin.exec('SELECT pg_reload_conf()');
      const dsn = `${server.tcpDsn(database.name)}?sslmode=require`;
      const file = newFile();
      await until('TLS', async () => (await run('psql', [dsn, '-c', 'SELECT 1'])).code === 0);
      const { code, stderr } = await cli(['export', file], { dsn });
      assert.equal(code, 0, stderr);
      await assertRestores(database, file);
      await admin.exec('ALTER SYSTEM RESET ssl');
      await admin.exec('SELECT pg_reload_conf()');
      await database.drop();
    });
  });

  test('is of one instant: what is written together is there together or not at all', async () => {
    const database = await create(`
      CREATE TABLE a (id integer PRIMARY KEY, n integer, filler text); CREATE TABLE z (LIKE a INCLUDING ALL); CREATE TABLE done (n integer);
      INSERT INTO a SELECT i, 0, repeat(md5(i::text), 20) FROM generate_series(1, 60000) AS i; INSERT INTO z SELECT * FROM a;`);
    let isOver = false;
    let written = 0;
    const writers = [1, 2].map(async (writer) => {
      const session = database.session();
      for (let n = 1; !isOver; n++) {
        const id = ((n * 7919 + writer * 104729) % 60000) + 1;
        await session.exec(`BEGIN; UPDATE a SET n = n + 1 WHERE id = ${id}; INSERT INTO done VALUES (${id}); UPDATE z SET n = n + 1 WHERE id = ${60001 - id}; COMMIT`);
        written++;
      }
      await session.close();
    });
    await until('writers', () => written > 20);
    const { file } = await exportOk(database, '--jobs', '3');
    isOver = true;
    await Promise.all(writers);
    const target = await Database.create(server);
    const { code, stderr } = await target.pgRestore(file);
    assert.equal(code, 0, stderr);
    const [[inA, inZ, inDone]] = await target.rows('SELECT (SELECT sum(n) FROM a), (SELECT sum(n) FROM z), (SELECT count(*) FROM done)');
    assert.equal(inA, inDone);
    assert.equal(inZ, inDone);
    assert.ok(Number(inDone) > 0 && Number(inDone) < written);
    assert.equal(await target.value('SELECT count(*) FROM a JOIN z ON z.id = 60001 - a.id WHERE a.n <> z.n'), '0');
    for (const each of [database, target]) await each.drop();
  });

  describe('that is read slowly', () => {
    let noise, service;
    before(async () => {
      noise = await create(`CREATE EXTENSION pgcrypto; CREATE TABLE noise AS SELECT i, gen_random_bytes(1000) AS b FROM generate_series(1, 100000) AS i;
        CREATE TABLE waits_its_turn AS SELECT 1 AS a`);
      service = await Service.start({ dsn: noise.dsn, env: { AUTO_MIGRATE: 'false' } });
    });

    test('keeps a change of structure waiting, which does not keep it from its end', async () => {
      const file = newFile();
      const curl = run('curl', ['-sS', '--limit-rate', '30M', '-o', file, '-H', `Authorization: Bearer ${adminToken}`, service.url + EXPORT]);
      await until('the first bytes', () => existsSync(file));
      const altered = noise.exec('ALTER TABLE waits_its_turn ADD COLUMN b integer; DROP TABLE noise').then(() => 'altered');
      assert.equal(await Promise.race([altered, delay(500).then(() => 'waits')]), 'waits');
      const { code, stderr } = await curl;
      assert.equal(code, 0, stderr);
      await altered;
      const target = await Database.create(server);
      assert.equal((await target.pgRestore(file)).code, 0);
      assert.equal(await target.count('noise'), 100000);
      assert.deepEqual(await target.rows(`SELECT attname FROM pg_attribute WHERE attrelid = 'waits_its_turn'::regclass AND attnum > 0`), [['a']]);
      await assertIdle(service, noise);
    });
  });

  test('starts over when a change of structure comes between', async () => {
    const database = await create('CREATE TABLE first (a integer); CREATE TABLE second (a integer)');
    const [holder, waiter] = [database.session(), database.session()];
    await holder.exec('BEGIN; LOCK TABLE second IN ACCESS EXCLUSIVE MODE');
    const exporting = exportOk(database);
    await until('the export waits', () => database.value(`SELECT 1 FROM pg_locks WHERE NOT granted`));
    const altered = waiter.exec('ALTER TABLE first ADD COLUMN b integer');
    await holder.exec('CREATE TABLE third (a integer); DROP TABLE second; COMMIT');
    const { file } = await exporting;
    await altered;
    const { stdout } = await runOk('pg_restore', ['-l', file]);
    assert.match(stdout, / TABLE DATA public third /);
    assert.doesNotMatch(stdout, / second /);
    for (const session of [holder, waiter]) await session.close();
  });

  test('makes do with the connections that it gets', async () => {
    const database = await create(`${large} CREATE ROLE limited LOGIN CONNECTION LIMIT 3; GRANT SELECT ON ALL TABLES IN SCHEMA public TO limited`);
    const file = newFile();
    const { code, stderr } = await cli(['export', '--jobs', '8', file], { dsn: server.dsn(database.name, 'limited') });
    assert.equal(code, 0, stderr);
    await assertRestores(database, file);
    await database.drop();
  });

  test('of a table with row security fails as pg_dump does', async () => {
    const database = await create(`CREATE TABLE secret (a integer); INSERT INTO secret VALUES (1); ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
      CREATE ROLE watched_reader LOGIN; GRANT SELECT ON secret TO watched_reader`);
    const file = newFile();
    const { code, stderr } = await cli(['export', file], { dsn: server.dsn(database.name, 'watched_reader') });
    assert.notEqual(code, 0);
    assert.match(stderr, /row-level security/);
    assert.ok(!existsSync(file) && !existsSync(`${file}.manifest.json`));
  });

  describe('has a manifest', () => {
    test('of the file\'s checksum and all rows, which is kept in the database too', async () => {
      const database = await Database.create(server);
      await database.execFile(fixture('hub-v09.sql'));
      assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
      const { file, manifest, result } = await exportOk(database);
      const bytes = readFileSync(file);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      assert.equal(manifest.sha256, sha256);
      assert.equal(manifest.bytes, bytes.length);
      assert.equal(manifest.archive, path.basename(file));
      assert.equal(result.sha256, sha256);
      for (const { schema, name, rows } of manifest.tables) assert.equal(rows, await database.count(`"${schema}"."${name}"`) - (name === 'audit_log' ? 1 : 0), name);
      assert.ok(Math.abs(Date.parse(manifest.snapshotTime) - Date.now()) < 60_000);
      const [[kept]] = await database.rows('SELECT manifest FROM cch_data.exports ORDER BY id DESC LIMIT 1');
      assert.deepEqual(JSON.parse(kept), manifest);
    });

    test('unless it is not wanted, or there is no file', async () => {
      const database = await create('CREATE TABLE t (a integer)');
      const file = newFile();
      assert.equal((await cli(['export', '--no-manifest', '-o', file], { dsn: database.dsn })).code, 0);
      assert.ok(existsSync(file) && !existsSync(`${file}.manifest.json`));
    });
  });

  test('refuses a compression or a number of connections that there is not', async () => {
    const database = await create('CREATE TABLE t (a integer)');
    for (const args of [['--compression', 'tiny'], ['--jobs', '-1'], ['--jobs', '65'], ['-o', newFile(), newFile()]]) {
      assert.equal((await cli(['export', ...args], { dsn: database.dsn })).code, 2, args.join(' '));
    }
    const version = Number(/(\d+)\./.exec((await runOk(path.join(server.binDir, 'pg_dump'), ['--version'])).stdout)[1]);
    const file = newFile();
    const { code, stderr } = await cli(['export', '--compression', 'zstd', file], { dsn: database.dsn });
    assert.equal(code, version >= 16 ? 0 : 3, stderr);
    assert.equal(existsSync(file), version >= 16);
  });

  test('holds a field of 100 MB in constant memory', { skip: isSanitized && 'a sanitizer needs memory of its own' }, async () => {
    const database = await create(`CREATE TABLE huge (id integer, v text); INSERT INTO huge VALUES (1, 'before'), (3, 'after');
      INSERT INTO huge SELECT 2, repeat('0123456789abcdef', 6553600)`);
    const service = await Service.start({ dsn: database.dsn, env: { AUTO_MIGRATE: 'false' } });
    const file = newFile();
    await exportOverHttp(service, file);
    const peak = peakRssBytes(service.pid);
    assert.ok(peak < 64 * 1024 * 1024, `${peak} bytes resident`);
    await service.stop();
    const target = await Database.create(server);
    assert.equal((await target.pgRestore(file)).code, 0);
    const digests = 'SELECT id, length(v), md5(v) FROM huge ORDER BY id';
    assert.deepEqual(await target.rows(digests), await database.rows(digests));
    for (const each of [database, target]) await each.drop();
  });
});
