// Overwriting by swap: the archive is loaded into a new database while the live one stays in use; then both are renamed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { readArchive } from './support/archive.mjs';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { assertUnchanged, importByCli } from './support/product.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, binary, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('swap');
const SIDE = `datname ~ '_cch_(new|old)_[0-9a-f]{16}$'`;

describe('an overwrite by swap', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  let admin;
  const hubs = {};

  before(async () => {
    server = await startPostgres();
    admin = new Database(server, 'postgres');
    for (const version of ['v05', 'v09']) {
      const database = await Database.create(server, { name: `hub_${version}` });
      await database.execFile(fixture(`hub-${version}.sql`));
      hubs[version] = { template: database.name, archive: await database.pgDump(path.join(dir, `${version}.dump`)) };
    }
  });

  const hub = (version, options) => Database.create(server, { template: hubs[version].template, ...options });
  const quoted = (name) => `'${name.replaceAll("'", "''")}'`;
  const identifier = (name) => `"${name.replaceAll('"', '""')}"`;
  const dsnOf = (name, user = 'postgres') => server.dsn(encodeURIComponent(name), user);
  // The databases beside a live one.
  const sides = async (name, kind = 'new|old') =>
    (await admin.rows(`SELECT datname FROM pg_database WHERE datname ~ '_cch_(${kind})_[0-9a-f]{16}$'
      AND starts_with(datname, left(${quoted(name)}, 30)) ORDER BY oid`)).flat();
  const oidOf = (name) => admin.value(`SELECT oid FROM pg_database WHERE datname = ${quoted(name)}`);
  // AUTO_MIGRATE is on: a swap is recorded in our own schema.
  const overwrite = (database, file, { method = 'swap', env = {}, ...options } = {}) =>
    importByCli(database, file, { args: ['--overwrite', '--method', method], env: { AUTO_MIGRATE: 'true', ...env }, ...options });
  const overwriteOk = async (...args) => {
    const result = await overwrite(...args);
    assert.equal(result.last?.type, 'complete', `import failed: ${JSON.stringify(result.last)}\n${result.stderr}`);
    return result;
  };
  const wasSwapped = ({ events }) => events.some((event) => event.phase === 'swap');
  const said = ({ events }, pattern) => events.some((event) => pattern.test(event.message));

  // From a sample of 300 rows with target 1 there is at most one most common value of each column.
  const statisticsOf = async (database) => {
    const n = await database.value(`SELECT max(cardinality(most_common_freqs)) FROM pg_stats WHERE schemaname = 'public'`);
    const isOwed = (await database.count('cch_data.statistics_owed')) > 0;
    if (n === '1' && isOwed) return 'coarse';
    return Number(n) > 1 && !isOwed ? 'full' : `${n}, ${isOwed ? 'owed' : 'not owed'}`;
  };

  // Starts an overwrite and kills it with SIGKILL at the first event for which `isIt` is true.
  const killAt = async (database, file, isIt) => {
    const child = spawn(binary, ['import', '--json', '--yes', '--overwrite', '--method', 'swap', file], {
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', DSN: database.dsn }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let isKilled = false;
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop();
      if (!isKilled && lines.filter(Boolean).some((line) => isIt(JSON.parse(line)))) {
        isKilled = true;
        child.kill('SIGKILL');
      }
    });
    const ended = await new Promise((resolve) => child.on('close', (code, name) => resolve(name)));
    assert.equal(ended, 'SIGKILL');
    await until('the end of its sessions', async () =>
      (await admin.value(`SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'cch-data%'`)) === '0');
  };

  test('gives what the way by one transaction gives, and what pg_restore gives', async () => {
    const [bySwap, byTransaction, byRestore] = [await hub('v09'), await hub('v09'), await Database.create(server)];
    assert.ok(wasSwapped(await overwriteOk(bySwap, hubs.v05.archive)));
    assert.ok(!wasSwapped(await overwriteOk(byTransaction, hubs.v05.archive, { method: 'transaction' })));
    const restored = await byRestore.pgRestore(hubs.v05.archive, '--no-owner');
    assert.equal(restored.code, 0, restored.stderr);
    const without = ['--exclude-schema=cch_data'];
    const text = await bySwap.dumpText(...without);
    assert.equal(firstDifference(text, await byTransaction.dumpText(...without)), null);
    assert.equal(firstDifference(text, await byRestore.dumpText(...without)), null);
    const own = ['--schema=cch_data', '--schema-only'];
    assert.equal(firstDifference(await bySwap.dumpText(...own), await byTransaction.dumpText(...own)), null);
  });

  test('leaves planner statistics and the audit of both ways', async () => {
    const target = await hub('v09');
    await overwriteOk(target, hubs.v05.archive);
    assert.equal(await statisticsOf(target), 'full');
    assert.equal(await target.value(`SELECT after_value ->> 'method' FROM cch_data.audit_log WHERE action_type = 'database.import'`), 'swap');
  });

  test('collects coarse statistics before the swap, and has the service collect the full ones', async () => {
    const target = await hub('v09');
    await killAt(target, hubs.v05.archive, (event) => /its full planner statistics/.test(event.message));
    await target.exec('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \'cch-data analyze\'');
    assert.equal(await statisticsOf(target), 'coarse');

    // A table in use is left for later; nobody waits longer than that.
    const holder = spawn('psql', ['-qXc', 'BEGIN; LOCK users; SELECT pg_sleep(60)'], { env: target.env, stdio: 'ignore' });
    await until('the lock on users', async () => (await target.count(`pg_locks WHERE relation = 'users'::regclass AND granted AND mode = 'AccessExclusiveLock'`)) > 0);
    const service = await Service.start({ dsn: target.dsn, env: { TEMP_CLEANUP_INTERVAL: '1' } });
    const pending = async () => (await service.status()).statisticsPending;
    await until('other tables', async () => (await target.count(`pg_stats WHERE schemaname = 'public' AND cardinality(most_common_freqs) > 1`)) > 0);
    assert.equal(await pending(), true);
    await target.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`);
    holder.kill();
    await until('the full statistics', async () => !(await pending()));
    assert.equal(await statisticsOf(target), 'full');

    // An undo before they are complete owes them to nobody; an undo of the undo, to the import's database again.
    await target.exec(`INSERT INTO cch_data.statistics_owed (database_oid) VALUES (${await oidOf(target.name)})`);
    await service.stop();
    assert.equal((await cli(['import', '--undo', '--yes'], { dsn: target.dsn })).code, 0);
    const again = await Service.start({ dsn: target.dsn });
    assert.equal((await again.status()).statisticsPending, false);
    const undone = await again.fetch('/api/admin/database/import:undo', { method: 'POST' });
    assert.match(await undone.text(), /"complete"/);
    await until('the full statistics', async () => (await target.count('cch_data.statistics_owed')) === 0);
    await again.stop();
  });

  test('keeps the database\'s settings, grants, owner, comment, connection limit and schema public', async () => {
    const target = await hub('v09', { options: `CONNECTION LIMIT 30` });
    const name = target.name;
    await admin.exec(`
      CREATE ROLE keeper; CREATE ROLE reader; CREATE ROLE clerk;
      ALTER DATABASE ${name} OWNER TO keeper;
      ALTER DATABASE ${name} SET work_mem = '7MB';
      ALTER DATABASE ${name} SET search_path = "$user", public, "Odd, ""schema""";
      ALTER DATABASE ${name} SET "app.note" = 'it''s = a, "note"';
      ALTER DATABASE ${name} SET temp_tablespaces = '';
      ALTER ROLE clerk IN DATABASE ${name} SET statement_timeout = '5s';
      REVOKE CONNECT, TEMPORARY ON DATABASE ${name} FROM PUBLIC;
      GRANT CONNECT ON DATABASE ${name} TO reader WITH GRANT OPTION;
      GRANT CREATE ON DATABASE ${name} TO clerk;
      COMMENT ON DATABASE ${name} IS 'the hub''s "own"'`);
    await target.exec(`REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO reader; ALTER SCHEMA public OWNER TO clerk;
      COMMENT ON SCHEMA public IS 'ours'`);
    const state = async () => [
      await admin.rows(`SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit,
          shobj_description(oid, 'pg_database'), datlocprovider,
          (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a)
        FROM pg_database WHERE datname = '${name}'`),
      await admin.rows(`SELECT setrole, setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = '${name}' ORDER BY 1`),
      await target.rows(`SELECT pg_get_userbyid(nspowner), (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(nspacl) a),
        obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'public'`),
    ];
    const before = await state();
    const oid = await oidOf(name);
    await overwriteOk(target, hubs.v05.archive);
    assert.notEqual(await oidOf(name), oid);
    assert.deepEqual(await state(), before);
    const [kept] = await sides(name);
    assert.match(await admin.value(`SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${kept}'`), /undo/);
  });

  test('works on a database of any name', async () => {
    const names = ['Odd "name" \'q\' %s', 'имя базы данных', `${'x'.repeat(62)}é`.slice(0, 61) + 'é', 'y'.repeat(63)];
    for (const name of names) {
      await admin.exec(`CREATE DATABASE ${identifier(name)} TEMPLATE hub_v09`);
      const dsn = dsnOf(name);
      const oid = await oidOf(name);
      assert.ok(wasSwapped(await overwriteOk(null, hubs.v05.archive, { dsn })), name);
      assert.notEqual(await oidOf(name), oid, name);
      const [kept] = await sides(name, 'old');
      assert.ok(Buffer.byteLength(kept) <= 63);
      assert.equal(await oidOf(kept), oid);
      const undone = await cli(['import', '--undo', '--yes', '--json'], { dsn });
      assert.equal(undone.code, 0, undone.stdout + undone.stderr);
      assert.equal(await oidOf(name), oid);
    }
  });

  test('leaves the live database in use until the swap, and ends a client that comes back at once', async () => {
    const target = await hub('v09');
    await target.exec('DELETE FROM users WHERE id > 5');
    const users = await target.count('users');
    let isOver = false;
    const seen = new Set();
    let reconnects = 0;
    const client = async () => {
      while (!isOver) {
        const session = target.session();
        reconnects++;
        while (!isOver && session.child.exitCode === null) {
          const count = await session.exec(`SELECT current_setting('application_name') || ':' || count(*) FROM users`);
          if (/^psql:\d+$/.test(count)) seen.add(Number(count.split(':')[1]));
        }
        await session.close();
      }
    };
    const clients = [client(), client(), client()];
    const result = await overwriteOk(target, hubs.v05.archive);
    assert.ok(wasSwapped(result));
    const after = await target.count('users');
    await until('the new rows', () => seen.has(after));
    isOver = true;
    await Promise.all(clients);
    assert.deepEqual([...seen].sort(), [...new Set([users, after])].sort());
    assert.ok(reconnects >= 6, `${reconnects} connections`);
  });

  test('keeps all that cch_data holds', async () => {
    const target = await hub('v09');
    await cli(['migrate'], { dsn: target.dsn });
    await target.exec(`INSERT INTO cch_data.audit_log (action_category, action_type, success, error_message)
      SELECT 'database', 'probe', true, E'tab\\tline\\nback\\\\slash ü' FROM generate_series(1, 1000)`);
    const rows = await target.rows(`SELECT * FROM cch_data.audit_log WHERE action_type = 'probe' ORDER BY id`);
    await overwriteOk(target, hubs.v05.archive);
    assert.deepEqual(await target.rows(`SELECT * FROM cch_data.audit_log WHERE action_type = 'probe' ORDER BY id`), rows);
    assert.equal(await target.value(`SELECT nextval('cch_data.audit_log_id_seq')`), '1002');
  });

  test('is not done, unless forced, while something would be lost by it', async () => {
    const cases = {
      'schema reports': 'CREATE SCHEMA reports; CREATE TABLE reports.t (i int)',
      'EXTENSION citext': 'CREATE EXTENSION IF NOT EXISTS citext',
      'PUBLICATION changes': 'CREATE PUBLICATION changes',
      'PROCEDURAL LANGUAGE': `CREATE LANGUAGE odd HANDLER plpgsql_call_handler`,
      'large objects': `SELECT lo_create(0)`,
      'default privileges': `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC`,
      'does not know: probe': `CREATE TABLE cch_data.probe (i int)`,
    };
    for (const [reason, sql] of Object.entries(cases)) {
      const target = await hub('v05');
      await cli(['migrate'], { dsn: target.dsn });
      if (reason.startsWith('EXTENSION')) {
        const there = await admin.value(`SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'`);
        if (there === '0') continue;
      }
      await target.exec(sql);
      const forced = await assertUnchanged(target, () => overwrite(target, hubs.v05.archive));
      assert.equal(forced.last.errorCode, 'import.swap_impossible', reason);
      assert.equal(forced.code, 7);
      assert.ok(forced.last.message.includes(reason), `${reason}: ${forced.last.message}`);
      assert.deepEqual(await sides(target.name), [], reason);
      if (reason !== 'schema reports') continue;
      const auto = await overwriteOk(target, hubs.v05.archive, { method: 'auto' });
      assert.ok(!wasSwapped(auto), reason);
      assert.ok(said(auto, /Not by swap/), reason);
      assert.deepEqual(await sides(target.name), [], reason);
    }
  });

  test('is not done for a role that may not create databases, or does not own this one', async () => {
    await admin.exec(`CREATE ROLE plain LOGIN; CREATE ROLE maker LOGIN CREATEDB`);
    const target = await hub('v05', { options: 'OWNER plain' });
    await target.exec(`REASSIGN OWNED BY postgres TO plain`).catch(() => {});
    for (const [user, reason] of [['plain', /CREATEDB/], ['maker', /belongs to role plain/]]) {
      const forced = await overwrite(null, hubs.v05.archive, { dsn: dsnOf(target.name, user), env: { AUTO_MIGRATE: 'false' } });
      assert.equal(forced.last.type, 'error');
      assert.equal(forced.code, 7, forced.last.message);
    }
    assert.deepEqual(await sides(target.name), []);
  });

  test('is done by a role that owns the database and may create others', async () => {
    await admin.exec(`CREATE ROLE builder LOGIN CREATEDB`);
    const database = await Database.create(server, { options: 'OWNER builder' });
    const dsn = dsnOf(database.name, 'builder');
    const first = await overwriteOk(null, hubs.v05.archive, { dsn });
    assert.ok(wasSwapped(first));
    const rows = await database.count('users');
    await overwriteOk(null, hubs.v05.archive, { dsn });
    assert.equal(await database.count('users'), rows);
    assert.equal(await admin.value(`SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '${database.name}'`), 'builder');
    assert.equal((await sides(database.name)).length, 2);
  });

  test('gives up behind a session that it may not end, names it, and leaves all as it was', async () => {
    await admin.exec(`CREATE ROLE owner LOGIN CREATEDB`);
    const database = await Database.create(server, { options: 'OWNER owner' });
    const dsn = dsnOf(database.name, 'owner');
    assert.equal((await cli(['migrate'], { dsn })).code, 0);
    const session = database.session();
    await session.exec('SET application_name = superuser_at_work');
    const { last, events, code } = await assertUnchanged(database, () => overwrite(null, hubs.v05.archive, { dsn, env: { LOCK_WAIT: '6' } }));
    assert.equal(last.errorCode, 'import.sessions_in_the_way');
    assert.equal(code, 7);
    assert.match(last.message, /superuser_at_work/);
    assert.ok(said({ events }, /Waiting for other sessions.*superuser_at_work/));
    assert.equal(await session.exec('SELECT 1 + 1'), '2');
    await session.close();
    assert.deepEqual(await sides(database.name), []);
    assert.ok(wasSwapped(await overwriteOk(null, hubs.v05.archive, { dsn })));
  });

  test('killed at any moment leaves the old database or the new one, whole, and the janitor the rest', async () => {
    const target = await hub('v09');
    assert.equal((await cli(['migrate'], { dsn: target.dsn })).code, 0);
    const contents = () => target.dumpText('--exclude-schema=cch_data', '--exclude-table=audit_log*');
    const before = await contents();
    const moments = [
      ['the shadow is there', (event) => /^Importing into the new database/.test(event.message)],
      ['rows are loaded', (event) => event.phase === 'data' && event.rows > 0],
      ['indexes are built', (event) => event.phase === 'indexes'],
      ['the statistics are collected', (event) => /statistics/.test(event.message)],
      ['it migrates', (event) => event.phase === 'migrate'],
    ];
    for (const [moment, isIt] of moments) {
      await killAt(target, hubs.v05.archive, isIt);
      assert.equal(firstDifference(await contents(), before), null, moment);
    }
    assert.ok((await sides(target.name, 'new')).length > 0);
    const service = await Service.start({ dsn: target.dsn });
    await until('the janitor', async () => (await sides(target.name)).length === 0, 30_000);
    await service.stop();
    assert.equal(await target.count('cch_data.databases'), 0);

    const oid = await oidOf(target.name);
    await killAt(target, hubs.v05.archive, (event) => event.phase === 'swap');
    if ((await oidOf(target.name)) !== oid) assert.equal((await cli(['import', '--undo', '--yes'], { dsn: target.dsn })).code, 0);
    assert.equal(firstDifference(await contents(), before), null);
    await importByCli(target, hubs.v05.archive, {}); // sweeps, and merges
    await killAt(target, hubs.v05.archive, (event) => /is kept as/.test(event.message));
    assert.notEqual(firstDifference(await contents(), before), null);
    assert.equal((await sides(target.name, 'new')).length, 0);
    assert.equal((await cli(['import', '--undo', '--yes', '--json'], { dsn: target.dsn })).code, 0);
    assert.equal(await oidOf(target.name), oid);
  });

  test('that was never recorded is nobody\'s to drop, whatever its name', async () => {
    const target = await hub('v09');
    assert.equal((await cli(['migrate'], { dsn: target.dsn })).code, 0);
    const [foreign, copy] = [`${target.name}_cch_new_0123456789abcdef`, `${target.name}_copy`];
    await admin.exec(`CREATE DATABASE ${foreign}`);
    await overwriteOk(target, hubs.v05.archive, { env: { UNDO_KEEP: '4' } });
    await admin.exec(`CREATE DATABASE ${copy} TEMPLATE ${target.name}`);
    await until('the expiry', () => target.count('cch_data.databases WHERE expires_at < now()'));
    const sweep = await importByCli(null, hubs.v05.archive, { dsn: dsnOf(copy) });
    assert.equal(sweep.last.type, 'complete');
    assert.equal((await sides(target.name, 'old')).length, 1, 'a copy of the database has no say over what belongs to the original');
    await importByCli(target, hubs.v05.archive, {});
    assert.deepEqual(await sides(target.name), [foreign]);
  });

  test('of an archive that is damaged late leaves the live database as it was, and says what is wrong', async () => {
    const target = await hub('v09');
    await cli(['migrate'], { dsn: target.dsn });
    const source = await hub('v09');
    await source.exec(`CREATE TABLE z (n numeric PRIMARY KEY); INSERT INTO z SELECT (i * 7919::numeric) % 1000003 FROM generate_series(1, 60000) i`);
    for (const level of ['0', '6']) {
      const archive = await source.pgDump(path.join(dir, `damaged-${level}.dump`), `--compress=${level}`);
      const { bytes, blocks } = readArchive(archive);
      const { start, end } = blocks.at(-1);
      for (const share of [0.02, 0.5, 0.99]) {
        const damaged = path.join(dir, 'damaged.dump');
        const flipped = Buffer.from(bytes);
        flipped[Math.floor(start + (end - start) * share)] ^= 0x40;
        writeFileSync(damaged, flipped);
        const { last, code } = await assertUnchanged(target, () => overwrite(target, damaged));
        // Damage in uncompressed data is not detected by us, but by the server.
        if (level !== '0') assert.deepEqual([last.errorCode, code], ['archive.corrupt', 3], `${level}, ${share}: ${last.message}`);
        assert.equal(last.type, 'error', `${level}, ${share}`);
        assert.match(last.message, /public\.z|block|archive|chunk/);
        assert.deepEqual(await sides(target.name), []);
        assert.equal(await target.count('cch_data.databases'), 0);
      }
    }
  });

  test('and by the other ways, is held to the manifest beside the archive, or to one that is named', async () => {
    const target = await hub('v09');
    await cli(['migrate'], { dsn: target.dsn });
    const archive = path.join(dir, 'own.dump');
    const exported = await cli(['export', archive], { dsn: dsnOf(hubs.v09.template) });
    assert.equal(exported.code, 0, exported.stderr);
    const manifest = JSON.parse(readFileSync(`${archive}.manifest.json`, 'utf8'));
    const [users, providers] = ['users', 'providers'].map((name) => manifest.tables.findIndex((table) => table.name === name));
    assert.ok(said(await overwriteOk(target, archive), /rows are those of the manifest/));
    assert.ok(!wasSwapped(await overwriteOk(target, archive, { method: 'transaction' })));
    const differing = (change) => {
      const other = structuredClone(manifest);
      change(other.tables);
      const file = path.join(dir, 'other.manifest.json');
      writeFileSync(file, JSON.stringify(other));
      return file;
    };
    const ways = [['--overwrite', '--method', 'swap'], ['--overwrite', '--method', 'transaction'], []];
    const changes = [
      [(tables) => { tables[users].rows++; tables[providers].rows--; }, /public\.providers has .*public\.users has/],
      [(tables) => { tables[users].rowHash = tables[providers].rowHash; }, /public\.users has other rows/],
      [(tables) => { tables.splice(users, 1); }, /public\.users is in the archive, but not in its manifest/],
    ];
    for (const [way, args] of ways.entries()) {
      for (const [change, message] of way === 0 ? changes : changes.slice(way, way + 1)) {
        const result = await assertUnchanged(target, () =>
          importByCli(target, archive, { args: [...args, '--manifest', differing(change)], env: { AUTO_MIGRATE: 'true' } }));
        assert.deepEqual([result.last.errorCode, result.code], ['manifest.mismatch', 3], `${args}: ${result.last.message}`);
        assert.match(result.last.message, message);
      }
    }
    assert.deepEqual(await sides(target.name, 'new'), []);
    const withoutLogs = await overwriteOk(target, archive, { skipLogs: true });
    assert.ok(said(withoutLogs, /rows are those of the manifest/), 'what is left out is not compared');
  });

  test('that fails late leaves the live database as it was, and no other', async () => {
    const target = await hub('v09');
    await cli(['migrate'], { dsn: target.dsn });
    const source = await hub('v09');
    await source.exec(`CREATE TABLE a (i int); INSERT INTO a VALUES (1), (1);
      CREATE FUNCTION boom(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF current_database() <> '${source.name}' THEN RAISE 'boom'; END IF; RETURN $1; END $$;
      CREATE INDEX ON a (boom(i))`);
    const archive = await source.pgDump(path.join(dir, 'boom.dump'));
    const { last } = await assertUnchanged(target, () => overwrite(target, archive));
    assert.equal(last.type, 'error');
    assert.match(last.message, /boom/);
    assert.deepEqual(await sides(target.name), []);
    assert.equal(await target.count('cch_data.databases'), 0);
  });
});

describe('undo of an overwrite by swap', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  let admin;
  let archive;

  before(async () => {
    server = await startPostgres();
    admin = new Database(server, 'postgres');
    const database = await Database.create(server, { name: 'source' });
    await database.execFile(fixture('hub-v05.sql'));
    archive = await database.pgDump(path.join(dir, 'source.dump'));
    const other = await Database.create(server, { name: 'other' });
    await other.execFile(fixture('hub-v09.sql'));
  });

  const sides = async (name) =>
    (await admin.rows(`SELECT datname FROM pg_database WHERE ${SIDE} AND starts_with(datname, '${name}_cch_') ORDER BY oid`)).flat();
  // Without the undo's audit row.
  const contents = (database) => database.dumpText('--exclude-schema=cch_data', '--exclude-table=audit_log*');
  const overwrite = async (database, env = {}) => {
    const result = await importByCli(database, archive, { args: ['--overwrite', '--method', 'swap'], env: { AUTO_MIGRATE: 'true', ...env } });
    assert.equal(result.last?.type, 'complete', JSON.stringify(result.last));
  };
  const undo = (database, args = [], options = {}) =>
    cli(['import', '--undo', '--yes', '--json', ...args], { dsn: database.dsn, ...options });

  test('brings the database from before back, and can be undone itself', async () => {
    const target = await Database.create(server, { template: 'other' });
    const before = await contents(target);
    await overwrite(target);
    const imported = await contents(target);
    await target.exec(`INSERT INTO cch_data.audit_log (action_category, action_type, success) VALUES ('x', 'after the import', true)`);

    const undone = await undo(target);
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.equal(firstDifference(await contents(target), before), null);
    assert.equal(await target.count(`cch_data.audit_log WHERE action_type = 'after the import'`), 1);
    assert.equal((await sides(target.name)).length, 1);

    const redone = await undo(target);
    assert.equal(redone.code, 0, redone.stdout + redone.stderr);
    assert.equal(firstDifference(await contents(target), imported), null);
    assert.equal((await sides(target.name)).length, 1);
  });

  test('goes back two imports by name, the newest first without one', async () => {
    const target = await Database.create(server, { template: 'other' });
    const before = await contents(target);
    await overwrite(target);
    await target.exec('DELETE FROM users WHERE id > 1');
    const between = await contents(target);
    await overwrite(target);
    const [first] = (await target.rows(`SELECT name FROM cch_data.databases ORDER BY made_at`)).flat();
    assert.equal((await undo(target)).code, 0);
    assert.equal(firstDifference(await contents(target), between), null);
    assert.equal((await undo(target, ['--kept', first])).code, 0);
    assert.equal(firstDifference(await contents(target), before), null);
    assert.equal((await sides(target.name)).length, 2);
  });

  test('is refused without an import to undo, without --yes, and with an archive', async () => {
    const target = await Database.create(server, { template: 'other' });
    const nothing = await undo(target);
    assert.equal(nothing.code, 3);
    await overwrite(target);
    const unconfirmed = await cli(['import', '--undo'], { dsn: target.dsn });
    assert.equal(unconfirmed.code, 2);
    assert.ok(unconfirmed.stderr.includes((await sides(target.name))[0]), unconfirmed.stderr);
    assert.equal((await cli(['import', '--undo', '--yes', archive], { dsn: target.dsn })).code, 2);
  });

  test('is still there after another program has brought older records back', async () => {
    const target = await Database.create(server, { template: 'other' });
    assert.equal((await cli(['migrate'], { dsn: target.dsn })).code, 0);
    const before = await contents(target);
    const older = await target.pgDump(path.join(dir, 'older.dump'));
    await overwrite(target);
    await target.exec('DELETE FROM users WHERE id > 1');
    await overwrite(target);
    const [first] = (await target.rows('SELECT name FROM cch_data.databases ORDER BY made_at')).flat();
    const restored = await target.pgRestore(older, '--clean', '--if-exists');
    assert.equal(restored.code, 0, restored.stderr);
    assert.equal(await target.count('cch_data.databases'), 0);
    // A copy has the names in the comments, but is another database.
    const copy = await Database.create(server, { template: target.name });
    assert.equal((await undo(copy)).code, 3);
    assert.equal((await undo(target, ['--kept', first])).code, 0);
    assert.equal(firstDifference(await contents(target), before), null);
    assert.equal(await target.count(`cch_data.databases WHERE kind = 'kept'`), 2);
  });

  test('is over once the kept database is discarded, has expired, or is not kept at all', async () => {
    const target = await Database.create(server, { template: 'other' });
    await overwrite(target);
    const discarded = await cli(['import', '--undo-discard', '--yes'], { dsn: target.dsn });
    assert.equal(discarded.code, 0, discarded.stderr);
    assert.deepEqual(await sides(target.name), []);
    assert.equal(await target.count(`cch_data.audit_log WHERE action_type = 'database.undo_discard'`), 1);
    assert.equal((await undo(target)).code, 3);

    await overwrite(target, { UNDO_KEEP: '0' });
    assert.deepEqual(await sides(target.name), []);

    await overwrite(target, { UNDO_KEEP: '4' });
    assert.equal((await sides(target.name)).length, 1);
    await until('the expiry', () => target.count('cch_data.databases WHERE expires_at < now()'));
    assert.equal((await undo(target)).code, 3);
    // Another program has brought older records back: it expires all the same, and the next import drops it.
    await target.exec('DELETE FROM cch_data.databases');
    assert.equal((await undo(target)).code, 3);
    await overwrite(target, { UNDO_KEEP: '0' });
    assert.deepEqual(await sides(target.name), []);
  });
});
