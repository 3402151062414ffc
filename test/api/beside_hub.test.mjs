// Operation beside a hub: nothing keeps the hub from starting or removes anything that it needs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { createHub, startGateway, startHub } from './support/hub.mjs';
import { assertRefused, importOk, previewByCli } from './support/product.mjs';
import { haveRedis, startPostgres, startRedis } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { run, until } from './support/run.mjs';

const dir = temporaryDirectory('beside');

describe('public of a named database', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  before(async () => {
    server = await startPostgres();
  });

  const tables = (database) => database.value(`SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`);

  test('stays empty until its hub comes, which then starts', async () => {
    const database = await Database.create(server);
    const service = await Service.start({ dsn: database.dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    assert.equal(await tables(database), '0');
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    assert.equal(await tables(database), '0');
    const { code, reason } = await startHub(database);
    assert.equal(code, 0, reason);
    await service.stop();
  });

  test('gets the hub\'s tables when that is asked for, and not where somebody else has it', async () => {
    const database = await Database.create(server);
    const { code, stdout } = await cli(['migrate', '--hub-tables', '--json'], { dsn: database.dsn });
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).hubTables, true);
    assert.ok(Number(await tables(database)) > 0);
    const other = await Database.create(server);
    await other.exec('CREATE TABLE users (name text)');
    const refused = await cli(['migrate', '--hub-tables'], { dsn: other.dsn });
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /public/);
    assert.equal(await tables(other), '1');
  });

  test('of another purpose is exported, merged and overwritten like any other, whatever its tables are called', async () => {
    const archive = path.join(dir, 'other.dump');
    const source = await Database.create(server);
    await source.exec(`CREATE TABLE users (name text PRIMARY KEY, deleted boolean); INSERT INTO users VALUES ('a', false);
      CREATE TABLE message_request (id uuid PRIMARY KEY, body text); INSERT INTO message_request VALUES (gen_random_uuid(), 'x')`);
    assert.equal((await cli(['export', archive], { dsn: source.dsn })).code, 0);
    for (const options of [{}, { overwrite: true }, { overwrite: true, args: ['--method', 'transaction'] }]) {
      const target = await Database.create(server);
      await importOk(target, archive, { ...options, env: { AUTO_MIGRATE: 'true' } });
      assert.equal(await target.count('message_request'), 1);
      assert.equal(await target.value(`SELECT to_regclass('public.keys')`), null);
      await importOk(target, archive, { ...options, env: { AUTO_MIGRATE: 'true' } });
      assert.equal(await target.count('users'), 1);
    }
    // Even if we had created the hub's tables before.
    const ours = await Database.create(server);
    assert.equal((await cli(['migrate', '--hub-tables'], { dsn: ours.dsn })).code, 0);
    await importOk(ours, archive, { overwrite: true, env: { AUTO_MIGRATE: 'true' } });
    assert.equal(await ours.count('message_request'), 1);
  });

  test('that we made goes on being migrated, after an import of an older level, too', async () => {
    const archive = path.join(dir, 'v05.dump');
    const hub = await createHub(server, 'v05');
    await hub.exec('DROP SCHEMA drizzle CASCADE');
    assert.equal((await cli(['export', archive], { dsn: hub.dsn })).code, 0);
    for (const method of ['swap', 'transaction']) {
      const database = await Database.create(server);
      assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
      await importOk(database, archive, { overwrite: true, args: ['--method', method], env: { AUTO_MIGRATE: 'true' } });
      assert.equal(await database.value(`SELECT count(*) FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'blocked_clients'`), '1');
    }
  });
});

describe('circuit breakers', { skip: (!haveBinary && 'no binary') || (!haveRedis() && 'no Redis') }, () => {
  let server, redis;
  before(async () => {
    [server, redis] = await Promise.all([startPostgres(), startRedis()]);
  });

  test('are read and reset on tables of ours, and where there is no table of endpoints', async () => {
    const database = await Database.create(server);
    assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
    await database.exec(`INSERT INTO providers (name, url, key) VALUES ('p', 'https://p.example', 'k')`);
    const service = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    for (const sql of ['SELECT 1', 'DROP TABLE provider_endpoints']) {
      await database.exec(sql);
      await redis.command('HSET', 'circuit_breaker:state:1', 'circuitState', 'open', 'failureCount', '5');
      const health = await service.fetch('/api/v1/providers/health');
      assert.equal(health.status, 200);
      assert.equal((await health.json()).providers['1'].circuitState, 'open');
      const reset = await service.fetch('/api/v1/providers/circuits:batchReset', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ providerIds: [1] }),
      });
      assert.equal((await reset.json()).resetCount, 1);
    }
    await service.stop();
  });
});

describe('a merge beside a running hub', { skip: !haveBinary && 'no binary' }, () => {
  let server, archive;
  before(async () => {
    server = await startPostgres();
    const source = await createHub(server, 'v09');
    await source.exec(`INSERT INTO message_request (provider_id, user_id, key, model, status_code)
      SELECT 1, 1, 'k', 'm', 200 FROM generate_series(1, 1000)`);
    archive = path.join(dir, 'busy.dump');
    await source.pgDump(archive, '-t', 'message_request', '-t', 'usage_ledger');
  });

  const missing = (database) => database.count(
    `message_request AS m WHERE status_code IS NOT NULL AND NOT EXISTS (SELECT FROM usage_ledger WHERE request_id = m.id)`);

  test('brings in ids that the gateway is about to draw, and that it then passes over', async () => {
    const source = await createHub(server, 'v09');
    await source.exec(`INSERT INTO message_request (provider_id, user_id, key, model, status_code)
      SELECT 1, 1, 'k', 'm', 200 FROM generate_series(1, 3000)`);
    const file = await source.pgDump(path.join(dir, 'ahead.dump'), '-t', 'message_request', '-t', 'usage_ledger');
    const database = await createHub(server, 'v09');
    const gateway = await startGateway(database);
    await importOk(database, file);
    const { errors, longWaits } = await gateway.stop();
    assert.deepEqual(errors, []);
    assert.deepEqual(longWaits, []);
    assert.equal(await missing(database), 0);
  });

  test('says which table it locks where triggers cannot be kept quiet otherwise', async () => {
    const database = await createHub(server, 'v09');
    await database.exec(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER note AFTER INSERT ON message_request FOR EACH ROW EXECUTE FUNCTION note();
      ALTER TABLE message_request ENABLE ALWAYS TRIGGER note`);
    const { preview } = await previewByCli(database, archive, { args: ['--table', 'message_request'] });
    assert.ok(preview.tables.find((entry) => entry.table === 'public.message_request').lockSeconds > 0);
    const warned = (shown, pattern) => shown.warnings.some((warning) => /public\.message_request .*about \d+ seconds/.test(warning) && pattern.test(warning));
    assert.ok(warned(preview, /only this way/), 'no other role could do better');
    await database.exec('ALTER TABLE message_request ENABLE TRIGGER note');
    await database.exec(`CREATE ROLE clerk LOGIN; ALTER TABLE message_request OWNER TO clerk; GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk; GRANT USAGE ON SCHEMA public, drizzle TO clerk; GRANT ALL ON ALL TABLES IN SCHEMA drizzle TO clerk`);
    const { code, stdout, stderr } = await cli(['import', '--dry-run', '--json', '--table', 'message_request', archive], { dsn: server.dsn(database.name, 'clerk') });
    assert.equal(code, 0, stderr);
    assert.ok(warned(JSON.parse(stdout), /import as a superuser.*session_replication_role/), stdout);
    await database.exec('ALTER TABLE message_request OWNER TO postgres; ALTER TABLE message_request ENABLE ALWAYS TRIGGER note');
    const { events } = await importOk(database, archive, { args: ['--table', 'message_request'] });
    assert.ok(events.some((event) => event.warning && event.message.includes('public.message_request') && /lock/.test(event.message)), JSON.stringify(events));
    assert.ok(events.some((event) => event.warning && event.message.includes('usage_ledger')), 'the gap in the ledger is told');
  });

  test('says which tables it locks for a missing index, an identity and keys in a cycle, and what is gentler', async () => {
    const source = await Database.create(server);
    const setup = `CREATE TABLE parent (id integer PRIMARY KEY, favourite integer);
      CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent, n integer);
      CREATE TABLE numbered (id integer PRIMARY KEY, i integer GENERATED ALWAYS AS IDENTITY, n integer);
      INSERT INTO parent VALUES (1, NULL); INSERT INTO child VALUES (1, 1); INSERT INTO numbered (id, n) VALUES (1, 1);`;
    const cycle = 'ALTER TABLE parent ADD CONSTRAINT favourite FOREIGN KEY (favourite) REFERENCES child;';
    await source.exec(`${setup}${cycle} CREATE INDEX by_n ON child (n); CREATE TABLE added (id integer, parent integer REFERENCES parent)`);
    const file = await source.pgDump(path.join(dir, 'parts.dump'));
    const database = await Database.create(server);
    await database.exec(`${setup} UPDATE numbered SET n = 2`);
    const args = ['--on-conflict', 'update'];
    const expectAll = async (parts) => {
      const { preview } = await previewByCli(database, file, { args });
      const { events } = await importOk(database, file, { args });
      for (const [table, reason, gentler] of parts) {
        assert.ok(preview.tables.find((entry) => entry.table === table).lockSeconds > 0, table);
        const warning = preview.warnings.find((text) => text.includes(`${table} will be locked for about`) && reason.test(text));
        assert.ok(warning && gentler.test(warning), `${table}: ${JSON.stringify(preview.warnings)}`);
        assert.ok(events.some(({ message }) => message?.includes(`${table} is locked`) && reason.test(message)), `${table}: ${JSON.stringify(events)}`);
      }
      const foretold = preview.warnings.filter((text) => /will be locked/.test(text));
      assert.equal(foretold.length, parts.length, JSON.stringify(foretold));
    };
    await expectAll([
      ['public.child', /INDEX (public\.)?by_n/, /CREATE INDEX CONCURRENTLY/],
      ['public.parent', /FK CONSTRAINT (public\.)?added added_parent_fkey/, /beforehand/],
      ['public.numbered', /GENERATED ALWAYS/, /onConflict=skip/],
    ]);
    // Now the foreign keys form a cycle here, too, and nothing is missing.
    await database.exec('UPDATE numbered SET n = 2');
    const { preview } = await previewByCli(database, file, { args: ['--table', 'parent', '--table', 'child'] });
    const { events } = await importOk(database, file, { args: ['--table', 'parent', '--table', 'child'] });
    assert.ok(preview.warnings.some((text) => /(parent|child) will be locked.*cycle.*one at a time/.test(text)), JSON.stringify(preview.warnings));
    assert.ok(events.some(({ message }) => /(parent|child) is locked.*cycle/.test(message ?? '')));
  });

  test('is foretold without a lock where none is taken, and an overwrite in one transaction with its time', async () => {
    const database = await createHub(server, 'v09');
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    const file = await database.pgDump(path.join(dir, 'foretold.dump'), '-N', 'cch_data');
    const merge = await previewByCli(database, archive);
    for (const table of merge.preview.tables) assert.equal(table.lockSeconds, null, table.table);
    const level = { migrations: 119, lastMigration: '0118_bright_sunspot', version: 'v0.9.0–v0.9.2' };
    const inOne = await previewByCli(database, file, { args: ['--overwrite', '--method', 'transaction'] });
    assert.ok(inOne.preview.lockSeconds > 0);
    assert.ok(inOne.preview.warnings.some((warning) => /about \d+ seconds.*by swap/.test(warning)), JSON.stringify(inOne.preview.warnings));
    assert.deepEqual([inOne.preview.archive.hubLevel, inOne.preview.live.hubLevel], [level, level]);
    const bySwap = await previewByCli(database, file, { args: ['--overwrite', '--method', 'swap'] });
    assert.equal(bySwap.preview.lockSeconds, null);
    const { events } = await importOk(database, file, { overwrite: true, args: ['--method', 'transaction'] });
    assert.ok(events.some((event) => /The locked part begins/.test(event.message ?? '')));
    const exported = path.join(dir, 'level.dump');
    assert.equal((await cli(['export', exported], { dsn: database.dsn })).code, 0);
    const manifest = JSON.parse(readFileSync(`${exported}.manifest.json`, 'utf8'));
    assert.deepEqual([manifest.hubMigrations, manifest.hubLastMigration, manifest.hubVersion], [119, '0118_bright_sunspot', 'v0.9.0–v0.9.2']);
  });

  test('still fails where a row has no parent', async () => {
    const source = await Database.create(server);
    const setup = `CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER note AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION note();`;
    await source.exec(`${setup} INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2), (3, NULL)`);
    const file = await source.pgDump(path.join(dir, 'child.dump'));
    const target = await Database.create(server);
    await target.exec(`${setup} INSERT INTO parent VALUES (1)`);
    const { last } = await assertRefused(target, file, 'database.query_failed', 7, { args: ['--table', 'child'] });
    assert.match(last.message, /child_parent_fkey/);
    await importOk(target, file, { args: ['--table', 'parent', '--table', 'child'] });
    assert.equal(await target.count('child'), 3);
  });

  test('calls what the hub\'s functions name without a schema', async () => {
    const source = await createHub(server, 'v09');
    await source.exec(`CREATE FUNCTION helper(t text) RETURNS bool LANGUAGE sql AS $$ SELECT t <> '' $$;
      CREATE FUNCTION ok(t text) RETURNS bool LANGUAGE sql AS $$ SELECT helper(t) $$; ALTER TABLE keys ADD CHECK (ok(name))`);
    const file = await source.pgDump(path.join(dir, 'unqualified.dump'));
    await source.exec('DELETE FROM keys WHERE id > 100');
    await importOk(source, file);
    assert.equal(await source.count('keys'), 120);
    assert.equal((await cli(['migrate'], { dsn: source.dsn })).code, 0);
    await source.exec(`CREATE TABLE my_audit (id int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO my_audit VALUES (NEW.id); RETURN NEW; END';
      CREATE TRIGGER note AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
      CREATE TRIGGER note AFTER INSERT ON model_prices FOR EACH ROW EXECUTE FUNCTION note()`);
    const batch = await cli(['batch', 'users', '--ids', '1', '--set', 'rpm=5', '--yes'], { dsn: source.dsn });
    assert.equal(batch.code, 0, batch.stderr);
    const prices = await cli(['prices', 'set', 'a', 'mode=chat', 'input_cost_per_token=3e-7'], { dsn: source.dsn });
    assert.equal(prices.code, 0, prices.stderr);
    assert.equal(await source.count('my_audit'), 2);
  });
});

describe('what a hub needs', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  before(async () => {
    server = await startPostgres();
  });

  test('is not dropped by an archive that lacks it', async () => {
    const database = await createHub(server, 'v09');
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    const ledgerOnly = path.join(dir, 'ledger_only.dump');
    assert.equal((await cli(['export', '--ledger-only', ledgerOnly], { dsn: database.dsn })).code, 0);
    assert.doesNotMatch((await run('pg_restore', ['--list', ledgerOnly])).stdout, / public message_request /);
    for (const method of ['swap', 'transaction']) {
      const { last } = await assertRefused(database, ledgerOnly, 'import.hub_level', 7, { overwrite: true, args: ['--method', method] });
      assert.match(last.message, /public\.message_request/);
    }
    await importOk(database, ledgerOnly);
    assert.equal(await database.count('message_request'), 3000);
    const plain = await database.pgDump(path.join(dir, 'public.dump'), '-n', 'public');
    const { last } = await assertRefused(database, plain, 'import.hub_level', 7, { overwrite: true });
    assert.match(last.message, /drizzle/);
  });

  test('can be exported without the rows that it does without, which manifest, audit and estimate say', async () => {
    const database = await createHub(server, 'v09');
    const service = await Service.start({ dsn: database.dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    const query = 'excludeDispensable=true&excludeTableData=public.error_rules';
    const estimate = await (await service.fetch(`/api/admin/database/export:estimate?${query}`)).json();
    const excluded = estimate.tables.filter((entry) => entry.excluded).map((entry) => entry.table.replace('public.', '')).sort();
    assert.deepEqual(excluded, ['error_rules', 'provider_endpoint_probe_logs']);
    await service.stop();
    const file = path.join(dir, 'without.dump');
    const { code, stderr } = await cli(['export', '--exclude-dispensable', '--exclude-table-data', 'public.error_rules', file], { dsn: database.dsn });
    assert.equal(code, 0, stderr);
    const { stdout } = await run('pg_restore', ['--list', file]);
    for (const table of excluded) {
      assert.match(stdout, new RegExp(` TABLE public ${table} `));
      assert.doesNotMatch(stdout, new RegExp(` TABLE DATA public ${table} `));
    }
    const manifest = JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'));
    const [audited] = await database.rows(`SELECT after_value -> 'excludedTables' FROM public.audit_log WHERE action_type = 'database.export'`);
    for (const names of [manifest.excludedTables, JSON.parse(audited[0])]) {
      for (const table of excluded) assert.ok(names.some((name) => name.endsWith(table)), `${names}`);
    }
    const unknown = await cli(['export', '--exclude-table-data', 'no_such_table', path.join(dir, 'none.dump')], { dsn: database.dsn });
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /no_such_table/);
  });

  test('is left for its own migrations to make, and it starts after its upgrade', async () => {
    const archive = await (await createHub(server, 'v09')).pgDump(path.join(dir, 'newer.dump'));
    const database = await createHub(server, 'v05');
    await database.exec('DELETE FROM users WHERE id > 10');
    const { events } = await importOk(database, archive);
    assert.ok(events.some((event) => event.warning && event.message.includes('119 (0118_bright_sunspot, v0.9.0–v0.9.2)') && event.message.includes('60 (0059_safe_xorn, v0.5.2)')));
    assert.equal(await database.count('users'), 50);
    assert.equal(await database.value(`SELECT to_regclass('public.usage_ledger')`), null);
    const { code, reason } = await startHub(database);
    assert.equal(code, 0, reason);
  });

  test('is to be restarted only if its migrations differ, and is not told without REDIS_URL, which one line says', async () => {
    const database = await createHub(server, 'v09');
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    const same = await database.pgDump(path.join(dir, 'same.dump'), '-N', 'cch_data');
    const older = await (await createHub(server, 'v05')).pgDump(path.join(dir, 'older.dump'));
    for (const [file, isNeeded, migrate] of [[same, false, 'true'], [older, true, 'true'], [older, false, 'false']]) {
      const { events, stderr } = await importOk(database, file, { overwrite: true, args: ['--method', 'transaction'], env: { AUTO_MIGRATE: migrate } });
      assert.equal(events.some((event) => /restart the hub/.test(event.message ?? '')), isNeeded, JSON.stringify(events.slice(-6).map((event) => event.message)));
      assert.match(stderr, /^.*without REDIS_URL.*lock is not seen.*not told.*30 s.*60 s.*$/m);
    }
  });

  test('comes along when an empty database is restored by a merge', async () => {
    const archive = await (await createHub(server, 'v09')).pgDump(path.join(dir, 'recovery.dump'));
    const database = await Database.create(server);
    const { events } = await importOk(database, archive, { env: { AUTO_MIGRATE: 'true' } });
    assert.equal(await database.count('drizzle.__drizzle_migrations'), 119);
    assert.ok(!events.some((event) => /drizzle.* kept/.test(event.message ?? '')));
    assert.equal((await startHub(database)).code, 0);
    // The first bytes of the archive tell its level as well, if the record's rows are among them.
    const service = await Service.start({ dsn: database.dsn });
    const inspect = async (body) => (await service.fetch('/api/admin/database/import:inspect', {
      method: 'POST', body, headers: { 'content-type': 'application/octet-stream' },
    })).json();
    const bytes = readFileSync(archive);
    const begun = await inspect(bytes.subarray(0, 256 * 1024));
    assert.deepEqual([begun.complete, begun.hubLevel], [true, { migrations: 119, lastMigration: '0118_bright_sunspot', version: 'v0.9.0–v0.9.2' }]);
    const { entries } = JSON.parse((await cli(['inspect', '--json', archive])).stdout);
    const first = entries.find(({ name, kind }) => kind === 'TABLE DATA' && name === '__drizzle_migrations');
    const without = await inspect(bytes.subarray(0, first.offset ?? 0));
    if (first.offset) assert.deepEqual([without.complete, without.hubLevel], [true, null]);
    await service.stop();
  });
});
