// A database and a role with every possible setting changed: our behaviour must not depend on settings.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference } from './support/database.mjs';
import { databaseText } from './support/dump_text.mjs';
import { assertRefused, importOk } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('settings');

const SETTINGS = {
  standard_conforming_strings: 'off', backslash_quote: 'off', quote_all_identifiers: 'on', search_path: 'pgboss, public',
  datestyle: 'SQL, DMY', intervalstyle: 'sql_standard', timezone: 'Asia/Kathmandu', extra_float_digits: '-10', bytea_output: 'escape',
  xmloption: 'document', array_nulls: 'off', transform_null_equals: 'on', client_encoding: 'LATIN1', check_function_bodies: 'off',
  lock_timeout: '1ms', idle_in_transaction_session_timeout: '1s', idle_session_timeout: '1s', statement_timeout: '1s',
  default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on', row_security: 'off', enable_seqscan: 'off',
  plan_cache_mode: 'force_generic_plan', session_replication_role: 'replica', enable_tidscan: 'off', synchronous_commit: 'off', client_min_messages: 'error',
};

// The pattern pg\_… also matches "pgboss" if a backslash is not an escape.
const CONTENTS = String.raw`
  CREATE SCHEMA pgboss;
  CREATE TABLE pgboss.job (id serial PRIMARY KEY, d date, i interval, f double precision, b bytea, a text[], n numeric, at timestamptz,
    x xml, t text DEFAULT 'a\b', "Q q" text);
  INSERT INTO pgboss.job (d, i, f, b, a, n, at, x, "Q q")
    SELECT date '2026-01-13' + i, -i * interval '1 day' + interval '1 second', i / 3.0, decode(md5(i::text), 'hex'), ARRAY['x', NULL, '\'],
      i / 7.0, timestamptz '2026-01-01 00:00:00Z' + i * interval '1 hour', 'no <document/>', E'\\' || i FROM generate_series(1, 300) AS i;
  CREATE INDEX ON pgboss.job ((f * 2));
  CREATE VIEW public.seen AS SELECT id, "Q q" FROM pgboss.job WHERE t LIKE 'a\\%';
  CREATE FUNCTION pgboss.quoted() RETURNS text LANGUAGE sql AS 'SELECT ''it\''''s''';
  COMMENT ON TABLE pgboss.job IS 'back\slash';`;

describe('with everything set otherwise', { skip: !haveBinary && 'no binary' }, () => {
  let server, source, text;
  const file = path.join(dir, 'a.dump');

  const dump = (database) => databaseText(database, '-N', 'cch_data');
  const set = async (database) => {
    const admin = new Database(server, 'postgres');
    await admin.exec(Object.entries(SETTINGS).map(([name, value]) =>
      `ALTER DATABASE "${database.name}" SET ${name} TO ${name === 'search_path' ? value : `'${value}'`};`).join('\n'));
  };
  const unset = (database) => new Database(server, 'postgres').exec(`ALTER DATABASE "${database.name}" RESET ALL`);

  before(async () => {
    server = await startPostgres();
    source = await Database.create(server);
    await source.exec(CONTENTS);
    text = await dump(source);
    await set(source);
    const { code, stderr } = await cli(['export', file], { dsn: source.dsn });
    assert.equal(code, 0, stderr);
  });

  const assertSame = async (database, what) => {
    await unset(database);
    const difference = firstDifference(await dump(database), text);
    assert.ok(difference === null, `${what}: ${difference}`);
    await set(database);
  };

  for (const args of [[], ['--overwrite', '--method', 'transaction'], ['--overwrite', '--method', 'swap']]) {
    test(`an archive comes in by ${args.join(' ') || 'a merge'}, and over itself`, async () => {
      const target = await Database.create(server);
      await set(target);
      await importOk(target, file, { args, env: { AUTO_MIGRATE: 'true' } });
      await assertSame(target, 'imported');
      await importOk(target, file, { args: args.length ? args : ['--on-conflict', 'update'], env: { AUTO_MIGRATE: 'true' } });
      await assertSame(target, 'imported again');
      const { code, stdout, stderr } = await cli(['import', '--dry-run', '--json', file], { dsn: target.dsn });
      assert.equal(code, 0, stderr);
      const [job] = JSON.parse(stdout.trim().split('\n').at(-1)).tables;
      assert.deepEqual([job.identical, job.different, job.added], [300, 0, 0]);
      if (args.includes('swap')) {
        await unset(target); // the test's own statement may take longer than the settings allow
        await target.exec('DELETE FROM pgboss.job');
        await set(target);
        const undone = await cli(['import', '--undo', '--yes'], { dsn: target.dsn });
        assert.equal(undone.code, 0, undone.stderr);
        await assertSame(target, 'undone');
      }
    });
  }

  test('a merge still finds the row whose parent is missing', async () => {
    const other = await Database.create(server);
    await other.exec(`CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (id integer PRIMARY KEY, parent integer);
      INSERT INTO child VALUES (1, 7)`);
    const orphan = await other.pgDump(path.join(dir, 'orphan.dump'));
    const target = await Database.create(server);
    await target.exec('CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent)');
    await set(target);
    await assertRefused(target, orphan, 'database.query_failed', 7);
  });

  test('the service exports, and says what it is', async () => {
    const service = await Service.start({ dsn: source.dsn });
    const status = await service.status();
    assert.deepEqual([status.isAvailable, status.importMethod], [true, 'swap'], JSON.stringify(status));
    const response = await service.fetch('/api/admin/database/export');
    assert.equal(response.status, 200);
    assert.ok((await response.arrayBuffer()).byteLength > 1000);
    const { exports } = await (await service.fetch('/api/admin/database/exports')).json();
    assert.match(exports[0].madeAt, /^\d{4}-\d\d-\d\dT/);
    await service.stop();
  });
});
