// Archives whose SQL ends the transaction in which it runs: the service does not claim that the database is unchanged, or that the
// import is complete, when that cannot be known. Archives whose SQL does more than load rows.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { importByCli } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const ROOM = 160;
const dir = temporaryDirectory('hostile');
let n = 0;
let server;
let harmless;

// The archive with the SQL of its comment replaced.
function archiveWith(sql) {
  const bytes = readFileSync(harmless);
  const statement = `COMMENT ON TABLE public.marked IS '${'x'.repeat(ROOM)}';`;
  const at = bytes.indexOf(statement);
  assert.ok(at > 0 && sql.length <= statement.length);
  bytes.write(sql.padEnd(statement.length), at, 'latin1');
  const file = path.join(dir, `${++n}.dump`);
  writeFileSync(file, bytes);
  return file;
}

const endings = {
  'a COMMIT': 'COMMIT;',
  'a COMMIT that another transaction follows': 'COMMIT; BEGIN; SAVEPOINT cch_entry;',
  'a COMMIT that is chained': 'COMMIT AND CHAIN;',
  'a ROLLBACK that another transaction follows': 'ROLLBACK; BEGIN; SAVEPOINT cch_entry;',
  'another transaction that then fails': 'ROLLBACK; BEGIN; SAVEPOINT cch_entry; SELECT 1/0;',
  'a failure outside any transaction': 'COMMIT; SELECT 1/0;',
  'a COMMIT and the end of its own connection': 'COMMIT; SELECT pg_terminate_backend(pg_backend_pid());',
  'another transaction that is committed, and the end of its own connection':
    'ROLLBACK; BEGIN; CREATE TABLE beside (); COMMIT; SELECT pg_terminate_backend(pg_backend_pid());',
  'another transaction that is committed, and an end of its connection a moment later':
    'ROLLBACK; BEGIN; CREATE TABLE beside (); COMMIT; SET idle_session_timeout = 1;',
  'a prepared transaction': "PREPARE TRANSACTION 'hostile';",
};

describe('an archive that ends the transaction', { skip: !haveBinary && 'no binary' }, () => {
  before(async () => {
    server = await startPostgres({ config: 'max_prepared_transactions = 5' });
    const source = await Database.create(server);
    await source.exec(`CREATE TABLE a_first (id integer PRIMARY KEY); INSERT INTO a_first SELECT generate_series(1, 50);
      CREATE TABLE marked (id integer PRIMARY KEY); INSERT INTO marked VALUES (1);
      COMMENT ON TABLE marked IS '${'x'.repeat(ROOM)}'`);
    harmless = await source.pgDump(path.join(dir, 'harmless.dump'));
    await source.drop();
  });

  const target = async () => {
    const database = await Database.create(server);
    await database.exec('CREATE TABLE a_first (id integer PRIMARY KEY); INSERT INTO a_first VALUES (7), (1000)');
    return database;
  };

  const assertUnknown = ({ last, code, stderr }) => {
    assert.equal(last.type, 'error', `${JSON.stringify(last)}\n${stderr}`);
    assert.equal(last.errorCode, 'import.outcome_unknown', last.message);
    assert.equal(code, 9);
    assert.match(last.message, /COMMENT public\.marked|TABLE marked/);
    assert.doesNotMatch(last.message, /rolled back|已回滚|as before|unchanged|未更改/);
  };

  for (const [name, sql] of Object.entries(endings)) {
    test(`by ${name}`, async () => {
      const archive = archiveWith(sql);
      const merged = await target();
      assertUnknown(await importByCli(merged, archive));
      const overwritten = await target();
      assertUnknown(await importByCli(overwritten, archive, { overwrite: true, args: ['--method', 'transaction'] }));
      for (const database of [merged, overwritten])
        for (const [gid] of await database.rows('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()'))
          await database.exec(`ROLLBACK PREPARED '${gid}'`);
      await merged.drop();
      await overwritten.drop();
    });
  }

  test('by swap: the shadow is dropped, the live database is not touched', async () => {
    const database = await target();
    const sql = 'ROLLBACK; BEGIN; SAVEPOINT cch_entry;';
    const env = { AUTO_MIGRATE: 'true' };
    assertUnknown(await importByCli(database, archiveWith(sql), { overwrite: true, args: ['--method', 'swap'], env }));
    assert.equal(await database.value(`SELECT string_agg(id::text, ' ' ORDER BY id) FROM a_first`), '7 1000');
    assert.equal(await database.value(`SELECT count(*) FROM pg_database WHERE datname LIKE '%\\_cch\\_%'`), '0');
    await database.drop();
  });

  test('an error of an entry inside its transaction leaves all as before, and says so', async () => {
    const database = await target();
    const { last, code } = await importByCli(database, archiveWith('SELECT 1/0;'));
    assert.equal(last.errorCode, 'database.query_failed', JSON.stringify(last));
    assert.equal(code, 7);
    assert.equal(await database.count('a_first'), 2);
    await database.drop();
  });
});

describe('an archive that wants more than rows', { skip: !haveBinary && 'no binary' }, () => {
  const dataDir = temporaryDirectory('hostile-data');
  const proof = path.join(temporaryDirectory('hostile-proof'), 'ran');

  for (const [name, sql] of Object.entries({
    'runs no program': `COPY (SELECT 1) TO PROGRAM 'touch ${proof}';`,
    'writes no file': `COPY (SELECT 1) TO '${proof}';`,
    'reads no file': `SELECT pg_read_file('/etc/hostname');`,
    'becomes no superuser': 'ALTER ROLE current_user SUPERUSER;',
    'becomes nobody else': 'SET SESSION AUTHORIZATION postgres;',
    'makes no untrusted function': `CREATE FUNCTION public.f() RETURNS int LANGUAGE c AS 'libc', 'getpid';`,
  })) {
    test(`${name} on the private cluster`, async () => {
      // It is left out with a warning, or fails the import.
      const { last, events } = await importByCli({}, archiveWith(sql), { overwrite: true, env: { DATA_DIR: dataDir } });
      const told = events.filter(({ warning, type }) => warning || type === 'error');
      assert.ok(told.some(({ message }) => /permission denied|must be superuser|does not exist/.test(message)), JSON.stringify([last, told]));
      assert.ok(!existsSync(proof));
    });
  }

  test('is looked at without running anything of it', async () => {
    const database = await Database.create(server);
    const archive = archiveWith('CREATE TABLE ran ();');
    for (const args of [['inspect'], ['verify'], ['import', '--dry-run'], ['import', '--dry-run', '--overwrite']]) {
      const { code, stderr } = await cli([...args, archive], { dsn: database.dsn });
      assert.equal(code, 0, `${args}: ${stderr}`);
      assert.equal(await database.value(`SELECT to_regclass('ran')`), null, args.join(' '));
    }
    assert.match((await cli(['import', '--dry-run', archive], { dsn: database.dsn })).stdout, /superuser/);
  });
});
