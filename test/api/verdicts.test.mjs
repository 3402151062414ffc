// Each class of error on a real server: errors that an import ignores, and errors that roll everything back.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { atExit, temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { assertRefused, importByCli, importOk, previewByCli, warnings } from './support/product.mjs';
import { until } from './support/run.mjs';
import { freePort, isRoot, startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('verdicts');
let n = 0;
const dumpFile = () => path.join(dir, `${++n}.dump`);
let server;

async function archiveOf(sql, ...args) {
  const source = await Database.create(server);
  await source.exec(sql);
  const archive = await source.pgDump(dumpFile(), ...args);
  await source.drop();
  return archive;
}

async function targetWith(sql = '') {
  const target = await Database.create(server);
  await target.exec(sql);
  return target;
}

// The same archive with one word of its uncompressed table of contents replaced by another of the same length.
function patched(archive, from, to) {
  const bytes = readFileSync(archive);
  const at = bytes.indexOf(from);
  assert.ok(at > 0 && from.length === to.length);
  bytes.write(to, at, 'latin1');
  const file = dumpFile();
  writeFileSync(file, bytes);
  return file;
}

describe('an import goes on after', { skip: !haveBinary && 'no binary' }, () => {
  before(async () => {
    server = await startPostgres();
  });

  test('a privilege that this server does not know: the others are granted, with one warning for each object', async () => {
    const admin = new Database(server, 'postgres');
    await admin.exec('CREATE ROLE one_reader; CREATE ROLE two_reader');
    let archive = await archiveOf(`
      CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1);
      GRANT SELECT, UPDATE, TRUNCATE ON t TO one_reader; GRANT SELECT, TRUNCATE ON t TO two_reader WITH GRANT OPTION;
      ALTER DEFAULT PRIVILEGES GRANT SELECT, TRUNCATE ON TABLES TO one_reader`);
    for (let i = 0; i < 3; i++) archive = patched(archive, 'TRUNCATE', 'MAINTAIN');
    const target = await targetWith();
    const { preview } = await previewByCli(target, archive);
    assert.ok(preview.warnings.some((text) => /MAINTAIN.*public\.TABLE t.*DEFAULT ACL/.test(text)), preview.warnings.join('\n'));
    for (const args of [[], ['--overwrite', '--method', 'transaction'], ['--overwrite', '--method', 'swap']]) {
      const { events } = await importOk(target, archive, { args, env: { AUTO_MIGRATE: 'true' } });
      const told = warnings(events).filter((text) => /"maintain"/i.test(text));
      assert.equal(told.length, 2, warnings(events).join('\n'));
      const may = (role, what) => target.value(`SELECT has_table_privilege('${role}', 't', '${what}')`);
      assert.deepEqual([await may('one_reader', 'SELECT'), await may('one_reader', 'UPDATE'), await may('one_reader', 'TRUNCATE')], ['t', 't', 'f']);
      assert.equal(await may('two_reader', 'SELECT WITH GRANT OPTION'), 't');
      assert.match(await target.value('SELECT defaclacl FROM pg_default_acl'), /one_reader=r\//);
    }
    await assertRefused(await targetWith(), archive, 'import.left_out', 7, { args: ['--strict'] });
  });

  test('a role that does not exist and owns large objects: one warning, and fatal if strict', async () => {
    const admin = new Database(server, 'postgres');
    await admin.exec('CREATE ROLE gone_keeper');
    const archive = await archiveOf(`SELECT lo_from_bytea(7001, 'x'), lo_from_bytea(7002, 'y'); ALTER LARGE OBJECT 7001 OWNER TO gone_keeper; ALTER LARGE OBJECT 7002 OWNER TO gone_keeper`);
    await admin.exec('DROP ROLE gone_keeper');
    const target = await targetWith();
    await assertRefused(target, archive, 'import.left_out', 7, { args: ['--strict'] });
    const { events } = await importOk(target, archive);
    assert.equal(warnings(events).filter((text) => text.includes('gone_keeper')).length, 1, warnings(events).join('\n'));
    assert.deepEqual(await target.rows(`SELECT lomowner::regrole, convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata ORDER BY oid`), [['postgres', 'x'], ['postgres', 'y']]);
  });

  test('a role that does not exist: owners, grants and policies of it', async () => {
    const admin = new Database(server, 'postgres');
    await admin.exec('CREATE ROLE gone_owner; CREATE ROLE gone_reader; CREATE ROLE present_reader');
    const archive = await archiveOf(`
      CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1), (2); ALTER TABLE t OWNER TO gone_owner;
      GRANT SELECT ON t TO gone_reader, present_reader;
      ALTER DEFAULT PRIVILEGES FOR ROLE gone_owner GRANT SELECT ON TABLES TO gone_reader;`);
    await admin.exec('DROP ROLE gone_owner; DROP ROLE gone_reader');
    for (const overwrite of [false, true]) {
      const target = await targetWith();
      const { last, code } = await importOk(target, archive, { overwrite });
      assert.equal(code, 0);
      assert.ok(last.warningCount >= 1);
      assert.equal(last.errorCount, 0);
      assert.equal(last.exitCode, 1);
      assert.equal(await target.count('t'), 2);
      assert.equal(await target.value(`SELECT has_table_privilege('present_reader', 't', 'SELECT')`), 't');
      assert.equal(await target.value(`SELECT relowner::regrole FROM pg_class WHERE relname = 't'`), 'postgres');
    }
  });

  test('an object that exists', async () => {
    const archive = await archiveOf(`
      CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE s;
      CREATE SCHEMA x; CREATE TABLE x.t (id integer); CREATE VIEW v AS SELECT * FROM x.t; CREATE INDEX i ON x.t (id);
      CREATE MATERIALIZED VIEW m AS SELECT * FROM x.t; CREATE DOMAIN d AS text; CREATE EXTENSION pgcrypto;
      CREATE TABLE missing (id integer); INSERT INTO missing VALUES (1);`);
    const target = await targetWith(`
      CREATE TYPE e AS ENUM ('b'); CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'; CREATE SEQUENCE s START 5;
      CREATE SCHEMA x; CREATE TABLE x.t (id integer); CREATE VIEW v AS SELECT 1; CREATE INDEX i ON x.t (id);
      CREATE MATERIALIZED VIEW m AS SELECT 1 AS own; CREATE DOMAIN d AS text; CREATE EXTENSION pgcrypto;`);
    await importOk(target, archive);
    assert.equal(await target.value('SELECT f()'), '2');
    assert.equal(await target.value('SELECT own FROM m'), '1');
    assert.equal(await target.count('missing'), 1);
  });

  test('a second primary key', async () => {
    const archive = await archiveOf(`CREATE TABLE t (id integer, v integer, CONSTRAINT one PRIMARY KEY (id)); INSERT INTO t VALUES (1, 1), (2, 2)`);
    const target = await targetWith(`CREATE TABLE t (id integer, v integer, CONSTRAINT other PRIMARY KEY (v)); INSERT INTO t VALUES (5, 1)`);
    const { last } = await importOk(target, archive);
    assert.equal(last.errorCount, 0);
    assert.deepEqual(await target.rows('SELECT * FROM t ORDER BY 1'), [['2', '2'], ['5', '1']]);
  });

  test('a duplicate key: rows that are there already', async () => {
    const table = 'CREATE TABLE t (id integer PRIMARY KEY, v text UNIQUE)';
    const archive = await archiveOf(`${table}; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')`);
    const target = await targetWith(`${table}; INSERT INTO t VALUES (1, 'x'), (4, 'b')`);
    const { last, events } = await importOk(target, archive);
    assert.equal(last.errorCount, 0);
    assert.deepEqual(warnings(events).map((text) => text.match(/public\.t: (\d+) .*: (.*)$/)?.slice(1)), [['1', 'id=2']], 'a key that is taken is told from a row that is there');
    assert.deepEqual(await target.rows('SELECT * FROM t ORDER BY 1'), [['1', 'x'], ['3', 'c'], ['4', 'b']]);
  });
});

describe('an import rolls back everything on', { skip: !haveBinary && 'no binary' }, () => {
  let archive;
  before(async () => {
    server ??= await startPostgres();
    archive = await archiveOf(`CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) AS i; CREATE TABLE z (a integer)`);
  });

  test('permission denied', async () => {
    const target = await targetWith(`
      DO $$ BEGIN CREATE ROLE limited LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      CREATE TABLE z (a integer);`);
    for (const overwrite of [false, true]) {
      const { last } = await assertRefused(target, archive, 'database.permission_denied', 6, { overwrite, dsn: server.dsn(target.name, 'limited') });
      assert.equal(last.type, 'error');
    }
  });

  test('a refused login', async () => {
    const target = await targetWith(`DO $$ BEGIN CREATE ROLE with_password LOGIN SUPERUSER PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
    const dsn = (password) => server.tcpDsn(target.name, 'with_password', password);
    const result = await importByCli(target, archive, { dsn: dsn('wrong') });
    assert.equal(result.code, 4);
    assert.match(result.stdout + result.stderr, /database\.authentication_failed|认证失败|refused the login/);
    assert.ok(!(result.stdout + result.stderr).includes('wrong'), 'the password is shown');
    await importOk(target, archive, { dsn: dsn('right') });
  });

  test('a database that does not exist', async () => {
    const { code, stdout, stderr } = await importByCli(null, archive, { dsn: server.dsn('no_such_database') });
    assert.equal(code, 4);
    assert.match(stdout + stderr, /no_such_database/);
  });

  test('a server that is not there', async () => {
    const { code } = await importByCli(null, archive, { dsn: `postgresql://postgres@127.0.0.1:${await freePort()}/postgres` });
    assert.equal(code, 4);
  });

  test('an extension that is not installed, and anything else that is not known', async () => {
    const withExtension = await archiveOf('CREATE TABLE a (id integer); INSERT INTO a VALUES (1); CREATE EXTENSION pgcrypto');
    const target = await targetWith('CREATE TABLE own (id integer)');
    const missing = patched(withExtension, 'CREATE EXTENSION IF NOT EXISTS pgcrypto', 'CREATE EXTENSION IF NOT EXISTS pgcrypt0');
    for (const overwrite of [false, true]) await assertRefused(target, missing, 'database.query_failed', 7, { overwrite });
    const broken = patched(archive, 'ADD CONSTRAINT t_pkey PRIMARY KEY', 'ADD CONSTRAINT t_pkey PRIMARY KEX');
    await assertRefused(target, broken, 'database.query_failed', 7);
  });

  test('a unique constraint that live rows break: to go on would lose it', async () => {
    const unique = await archiveOf(`CREATE TABLE t (id integer, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'); ALTER TABLE t ADD CONSTRAINT u UNIQUE (id)`);
    const target = await targetWith(`CREATE TABLE t (id integer, v text); INSERT INTO t VALUES (1, 'x'), (1, 'y')`);
    await assertRefused(target, unique, 'database.query_failed', 7);
  });

  test('a database that is read-only', async () => {
    const archive = await archiveOf('CREATE TABLE t (id integer); INSERT INTO t VALUES (1)');
    const target = await targetWith('CREATE TABLE own (id integer)');
    await new Database(server, 'postgres').exec(`ALTER DATABASE "${target.name}" SET default_transaction_read_only TO on`);
    await assertRefused(target, archive, 'database.read_only', 7);
    for (const method of ['swap', 'transaction']) {
      await assertRefused(target, archive, 'database.read_only', 7, { overwrite: true, args: ['--method', method], env: { AUTO_MIGRATE: 'true' } });
    }
    const preview = await cli(['import', '--dry-run', archive], { dsn: target.dsn });
    assert.equal(preview.code, 7);
    assert.match(preview.stderr, /read-only/);
  });

  test('a backend that is ended in the middle', async () => {
    const target = await targetWith('CREATE TABLE own (id integer)');
    const large = await archiveOf(`CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('v', 50) FROM generate_series(1, 600000) AS i`, '-Z1');
    const importing = assertRefused(target, large, 'database.unavailable', 4);
    const admin = new Database(server, 'postgres');
    await until('the import', () => admin.value(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${target.name}' AND query ~ 'COPY' AND state = 'active' AND application_name = 'cch-data import'`));
    await importing;
  });

  test('a full disk', async (t) => {
    const mountPoint = path.join(server.directory, 'small');
    mkdirSync(mountPoint, { recursive: true });
    if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m,mode=0777', 'none', mountPoint]).status !== 0) {
      t.skip('a file system cannot be mounted here');
      return;
    }
    atExit(() => spawnSync('umount', ['-l', mountPoint]));
    spawnSync('chown', ['postgres', mountPoint]);
    await new Database(server, 'postgres').exec(`CREATE TABLESPACE small LOCATION '${mountPoint}'`);
    const target = await Database.create(server, { options: 'TABLESPACE small' });
    await target.exec('CREATE TABLE own (id integer); INSERT INTO own VALUES (1)');
    const large = await archiveOf(`CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 150000) AS i`, '-Z1');
    await assertRefused(target, large, 'database.disk_full', 8);
    await assertRefused(target, large, 'database.disk_full', 8, { overwrite: true });
    await target.drop();
    await new Database(server, 'postgres').exec('DROP TABLESPACE small');
  });

  test('memory that is used up', async () => {
    const small = await startPostgres({ config: 'max_locks_per_transaction = 10\nmax_connections = 10\nmax_worker_processes = 0' });
    const many = await archiveOf(`SET client_min_messages = error; DO $$ BEGIN FOR i IN 1..2500 LOOP EXECUTE 'CREATE TABLE t' || i || ' (id integer)'; IF i % 500 = 0 THEN COMMIT; END IF; END LOOP; END $$`);
    const target = await Database.create(small);
    await assertRefused(target, many, 'database.out_of_memory', 7);
  });
});

describe('what an archive cannot be', { skip: !haveBinary && 'no binary' }, () => {
  test('no archive at all, a plain text dump, rows as INSERT statements, an unknown version', async () => {
    server ??= await startPostgres();
    const source = await targetWith('CREATE TABLE t (id integer); INSERT INTO t VALUES (1)');
    const target = await targetWith();
    const file = dumpFile();
    for (const content of [
      Buffer.alloc(0),
      Buffer.from('PGDMP'),
      Buffer.from('-- PostgreSQL database dump\n'),
      Buffer.concat([readFileSync(await source.pgDump(dumpFile())), Buffer.from('x')]),
    ]) {
      writeFileSync(file, content);
      const { code, stderr, stdout } = await importByCli(target, file);
      assert.equal(code, 3, stderr);
      assert.match(stdout + stderr, content.length === 0 ? /The file is empty/ : /archive/);
    }
    const inserts = await source.pgDump(dumpFile(), '--inserts');
    assert.equal((await importByCli(target, inserts)).code, 3);
    const bytes = readFileSync(await source.pgDump(dumpFile()));
    bytes[6] = 99;
    writeFileSync(file, bytes);
    assert.equal((await importByCli(target, file)).code, 3);
    assert.equal(await target.value(`SELECT to_regclass('t')`), null);
    for (const command of ['verify', 'inspect']) assert.equal((await cli([command, file])).code, 3, command);
  });
});
