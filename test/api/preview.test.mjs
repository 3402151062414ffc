// A preview shows what the import would do, and changes nothing.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { assertIdle } from './support/idle.mjs';
import { assertUnchanged, importByCli, importOk, mergeReport, previewByCli } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { binary, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('preview');
let n = 0;
const dumpFile = () => path.join(dir, `${++n}.dump`);

describe('a preview', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  const hubs = {};

  before(async () => {
    server = await startPostgres();
    for (const version of ['v05', 'v09']) {
      const database = await Database.create(server, { name: `hub_${version}` });
      await database.execFile(fixture(`hub-${version}.sql`));
      hubs[version] = { template: database.name, archive: await database.pgDump(dumpFile()) };
    }
  });

  const hub = (version) => Database.create(server, { template: hubs[version].template });

  async function pair(schema, archiveSql, sql) {
    const source = await Database.create(server);
    await source.exec(schema + archiveSql);
    const archive = await source.pgDump(dumpFile());
    const target = await Database.create(server);
    await target.exec(schema + sql);
    return { source, target, archive };
  }

  // Runs a preview and asserts that nothing changed and nothing is left behind.
  async function preview(target, archive, args = []) {
    const { preview: found } = await assertUnchanged(target, () => previewByCli(target, archive, { args }));
    await assertIdle(null, target);
    return found;
  }

  const table = (found, name) => found.tables.find((entry) => entry.table === name);
  const counts = (entry) => [entry.archiveRows, entry.added, entry.identical, entry.different, entry.onlyLive, entry.conflicting];

  test('tells what the archive is', async () => {
    const target = await hub('v09');
    const { archive, live, mode, onConflict } = await preview(target, hubs.v05.archive);
    assert.equal(archive.database, 'hub_v05');
    assert.match(archive.formatVersion, /^1\.\d+$/);
    assert.match(archive.pgDumpVersion, /^\d+/);
    assert.equal(archive.hasLogs, true);
    assert.ok(archive.rows > 3000 && archive.bytes > archive.rows && archive.tables > 5);
    assert.equal(live.database, target.name);
    assert.ok(live.bytes > 1e6);
    assert.deepEqual([mode, onConflict], ['merge', 'skip']);
  });

  test('counts what would be added, what is the same, what differs, and what is only here', async () => {
    const target = await hub('v09');
    await target.exec(`
      ALTER TABLE message_request DISABLE TRIGGER USER;
      DELETE FROM message_request WHERE id % 3 = 0; UPDATE message_request SET model = 'live' WHERE id IN (1, 2, 4);
      INSERT INTO message_request (id, provider_id, user_id, key, model) SELECT 100000 + i, 1, 1, 'k', 'new' FROM generate_series(1, 7) AS i;
      ALTER TABLE message_request ENABLE TRIGGER USER;
      UPDATE users SET name = 'renamed', updated_at = now() WHERE id = 5;`);
    const found = await preview(target, hubs.v09.archive);
    assert.deepEqual(counts(table(found, 'public.message_request')), [3000, 1000, 1997, 3, 7, 0]);
    assert.equal(table(found, 'public.message_request').liveRows, 2007);
    assert.deepEqual(table(found, 'public.message_request').examples.map((row) => [row.key, row.columns]), [['id=1', 'model'], ['id=2', 'model'], ['id=4', 'model']]);
    assert.deepEqual(counts(table(found, 'public.users')), [50, 0, 49, 1, 0, 0]);
    assert.deepEqual(table(found, 'public.users').examples.map(({ key, columns }) => [key, columns]), [['id=5', 'name, updated_at']]);
    assert.deepEqual(table(found, 'public.users').examples[0].values.map(({ column }) => column), ['name', 'updated_at']);
  });

  for (const choice of ['skip', 'update']) {
    test(`foretells exactly what an import with ${choice} then reports`, async () => {
      const target = await hub('v05');
      await target.exec(`
        DELETE FROM message_request WHERE id % 7 = 0; UPDATE message_request SET model = 'live' WHERE id % 10 = 1;
        DELETE FROM keys WHERE id > 100; DELETE FROM users WHERE id > 45; UPDATE providers SET name = name || '!' WHERE id < 4;`);
      const args = ['--on-conflict', choice];
      const found = await preview(target, hubs.v05.archive, args);
      const { last } = await importOk(target, hubs.v05.archive, { args });
      for (const { table: name, expected } of found.tables) {
        assert.deepEqual([expected.inserted, expected.updated, expected.unchanged, expected.skipped], mergeReport(last, name).slice(1), name);
      }
      assert.equal(found.tables.length, last.tables.length);
    });
  }

  test('sees rows that other keys would keep out, however the key is made', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE t (id integer PRIMARY KEY, a text UNIQUE, b text, c text, r int4range, EXCLUDE USING gist (r WITH &&));
       CREATE UNIQUE INDEX ON t (lower(b)) WHERE id > 0; CREATE UNIQUE INDEX ON t (c) WHERE c <> 'free';
       CREATE TABLE bag (u integer UNIQUE, v text);`,
      `INSERT INTO t VALUES (1, 'a', NULL, NULL, NULL), (2, NULL, 'B', NULL, NULL), (3, NULL, NULL, 'c', NULL), (4, NULL, NULL, NULL, '[1,3)'),
         (5, 'new', 'new', 'free', '[7,8)'), (6, 'six', NULL, NULL, NULL); INSERT INTO bag VALUES (1, 'archive'), (2, 'x'), (NULL, 'n');`,
      `INSERT INTO t VALUES (11, 'a', NULL, NULL, NULL), (12, NULL, 'b', NULL, NULL), (13, NULL, NULL, 'c', NULL), (14, NULL, NULL, NULL, '[2,5)'),
         (15, NULL, NULL, 'free', NULL), (6, NULL, NULL, NULL, NULL), (16, 'six', NULL, NULL, NULL); INSERT INTO bag VALUES (1, 'live'), (NULL, 'n');`,
    );
    const args = ['--on-conflict', 'update'];
    const found = await preview(target, archive, args);
    assert.deepEqual(counts(table(found, 'public.t')), [6, 5, 0, 1, 6, 4]);
    assert.deepEqual(counts(table(found, 'public.bag')), [3, 2, 1, 0, 1, 1]);
    const { last } = await importOk(target, archive, { args });
    for (const { table: name, expected } of found.tables) {
      assert.deepEqual([expected.inserted, expected.updated, expected.unchanged, expected.skipped], mergeReport(last, name).slice(1), name);
    }
  });

  test('says that an import with fail would fail, exactly when it does', async () => {
    for (const value of ['archive', 'live']) {
      const { target, archive } = await pair('CREATE TABLE t (id integer PRIMARY KEY, v text);', `INSERT INTO t VALUES (1, 'archive'), (2, 'archive');`, `INSERT INTO t VALUES (1, '${value}');`);
      const args = ['--on-conflict', 'fail'];
      const found = await preview(target, archive, args);
      const { last } = await importByCli(target, archive, { args });
      assert.equal(found.warnings.some((text) => text.includes('onConflict=fail')), last.type === 'error');
    }
  });

  test('shows no value that could be a secret', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE secrets (token text PRIMARY KEY, api_key text, url text, rpm integer); CREATE TABLE mixed (d date, token text, PRIMARY KEY (d, token), v text, w text, j json);
       CREATE TABLE other (id integer PRIMARY KEY, v text);`,
      `INSERT INTO secrets VALUES ('sk-archive', 'value-archive', 'value', 7); INSERT INTO mixed VALUES ('2026-01-01', 'sk-archive', 'sk-in a text', NULL, '{"a": "value-1"}'); INSERT INTO other VALUES (1, 'value-archive');`,
      `INSERT INTO secrets VALUES ('sk-archive', 'value-live', 'other', 5); INSERT INTO mixed VALUES ('2026-01-01', 'sk-archive', 'plain text', 'x', '{"a": "value-2"}');
       ALTER TABLE other ALTER v TYPE integer USING 7;`,
    );
    const found = await preview(target, archive);
    assert.doesNotMatch(JSON.stringify(found), /sk-|value-/);
    const masked = { liveMasked: true, archiveMasked: true };
    assert.deepEqual(table(found, 'public.secrets').examples, [{
      key: 'token=...', columns: 'api_key, url, rpm', values: [{ column: 'api_key', ...masked }, { column: 'url', ...masked }, { column: 'rpm', live: '5', archive: '7' }],
    }]);
    assert.deepEqual(table(found, 'public.mixed').examples, [{
      key: 'd=2026-01-01, token=...', columns: 'v, w, j',
      values: [{ column: 'v', live: 'plain text', archiveMasked: true }, { column: 'w', live: 'x' }, { column: 'j', ...masked }],
    }]);
    assert.match(table(found, 'public.other').problem, /22P02/);
    const { stdout } = await cli(['import', '--dry-run', archive], { dsn: target.dsn });
    assert.doesNotMatch(stdout, /sk-|value-/);
    assert.match(stdout, /token=\.\.\.: api_key \*{6} -> \*{6}, url \*{6} -> \*{6}, rpm 5 -> 7/);
  });

  test('of an overwrite tells what is lost and gained', async () => {
    const target = await hub('v05');
    await target.exec(`CREATE TABLE mine (id integer); INSERT INTO mine VALUES (1), (2); DELETE FROM users WHERE id = 3;
      INSERT INTO users (id, name) VALUES (777, 'only here')`);
    const source = await hub('v05');
    const archive = await source.pgDump(dumpFile(), '--exclude-table-data=message_request');
    const found = await preview(target, archive, ['--overwrite']);
    assert.equal(found.mode, 'overwrite');
    assert.deepEqual(counts(table(found, 'public.users')), [50, 1, 49, 0, 1, 0]);
    assert.deepEqual(counts(table(found, 'public.mine')), [0, 0, 0, 0, 2, 0]);
    assert.deepEqual(counts(table(found, 'public.message_request')), [0, 0, 0, 0, 3000, 0]);
    assert.ok(found.warnings.some((text) => text.includes('3000') && text.includes('message_request')), String(found.warnings));
    assert.ok(found.warnings.some((text) => text.includes('public.mine')), String(found.warnings));
    assert.equal(found.archive.hasLogs, false);
  });

  test('warns of another structure and of roles that are not here', async () => {
    const source = await Database.create(server);
    await source.exec(`
      CREATE ROLE gone_owner; CREATE ROLE "gone grantee"; CREATE TABLE t (id integer PRIMARY KEY, a text, new_column text); CREATE TABLE new_table (id integer);
      CREATE TABLE needy (id integer PRIMARY KEY); INSERT INTO needy VALUES (1); INSERT INTO t VALUES (1);
      ALTER TABLE t OWNER TO gone_owner; GRANT SELECT ON new_table TO "gone grantee";`);
    const archive = await source.pgDump(dumpFile());
    await source.exec('DROP OWNED BY "gone grantee"; DROP ROLE "gone grantee"; ALTER TABLE t OWNER TO postgres; DROP ROLE gone_owner');
    const target = await Database.create(server);
    await target.exec(`CREATE TABLE t (id integer PRIMARY KEY, a text, old_column text); CREATE TABLE old_table (id integer);
      CREATE TABLE needy (id integer PRIMARY KEY, must integer NOT NULL);`);
    const found = await preview(target, archive);
    const says = (...words) => assert.ok(found.warnings.some((text) => words.every((word) => text.includes(word))), `${words}: ${found.warnings.join('\n')}`);
    says('public.t', 'new_column');
    says('public.t', 'old_column');
    says('public.new_table');
    says('public.old_table');
    says('gone_owner', 'gone grantee');
    assert.equal(table(found, 'public.new_table').new, true);
    assert.match(table(found, 'public.needy').problem, /must/);
  });

  test('of some tables compares these only', async () => {
    const found = await preview(await hub('v05'), hubs.v05.archive, ['--table', 'users']);
    assert.deepEqual(found.tables.map((entry) => entry.table), ['public.users']);
  });

  test('refuses a damaged archive as an import does', async () => {
    const target = await hub('v05');
    const bytes = readFileSync(hubs.v05.archive);
    bytes[bytes.length - 100] ^= 0xff;
    const file = dumpFile();
    writeFileSync(file, bytes);
    const { code, stderr } = await previewByCli(target, file);
    assert.equal(code, 3, stderr);
  });

  test('keeps no writer waiting, and holds the lock as a preview', async () => {
    const target = await hub('v05');
    const session = target.session();
    await session.exec('BEGIN; UPDATE users SET name = name; LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE');
    const found = await previewByCli(target, hubs.v05.archive);
    assert.equal(found.code, 0, found.stderr);
    await session.exec('ROLLBACK');
    // A lock on the structure of one table makes the preview wait at that table, without locks on any other.
    await session.exec('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const running = previewByCli(target, hubs.v05.archive);
    const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${target.name}' AND wait_event_type = 'Lock'`;
    while ((await target.value(waiting)) === '0') await new Promise((resolve) => setTimeout(resolve, 20));
    const held = await target.rows(`SELECT relation::regclass::text FROM pg_locks l JOIN pg_class c ON c.oid = relation
      WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted AND relkind = 'r'
        AND relnamespace = 'public'::regnamespace AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = 'cch-data preview')`);
    assert.deepEqual(held, []);
    const other = await importByCli(target, hubs.v05.archive);
    assert.equal(other.code, 5);
    assert.match(other.stderr, /preview/);
    await session.exec('ROLLBACK');
    await session.close();
    assert.equal((await running).code, 0);
  });

  test('can be cancelled, and leaves nothing', async () => {
    const target = await hub('v05');
    const session = target.session();
    await session.exec('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const child = spawn(binary, ['import', '--dry-run', hubs.v05.archive], { env: { PATH: process.env.PATH, DSN: target.dsn }, stdio: 'ignore' });
    const ended = once(child, 'close');
    const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${target.name}' AND wait_event_type = 'Lock'`;
    while ((await target.value(waiting)) === '0') await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [130, null]);
    await session.close();
    await assertIdle(null, target);
  });
});
