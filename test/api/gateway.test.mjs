// How long a gateway has to wait while cch-data works on its database. Two sessions insert and update in message_request all
// the time, with the hub's trigger and a lock_timeout of a second. GATEWAY_ROWS is the number of rows in the log (10,000); each
// test prints what it measured. docs/reliability.md has the figures with a million rows.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { tableOf, startCloud } from './support/prices.mjs';
import { createHub, startGateway } from './support/hub.mjs';
import { importOk, previewByCli } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';
import { until } from './support/run.mjs';

const dir = temporaryDirectory('gateway');
const ROWS = Number(process.env.GATEWAY_ROWS ?? 10_000);
const isLarge = ROWS > 100_000;
const timeoutMs = 3_600_000;
const LOG = ['--table', 'message_request'];

// A large log deserves a server that writes to its disk.
const config = isLarge ? `fsync = on\nsynchronous_commit = on\nfull_page_writes = on\nshared_buffers = 512MB\nmax_wal_size = 8GB\nmaintenance_work_mem = 64MB` : '';

describe('a gateway', { skip: !haveBinary && 'no binary' }, () => {
  let server, major, ofLog, whole;
  before(async () => {
    server = await startPostgres({ config });
    const source = await createHub(server, 'v09');
    major = Math.floor(Number(await source.value('SHOW server_version_num')) / 10_000);
    // Indexes are created after the rows, which is faster.
    await source.exec(`
      CREATE TABLE made AS SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS sql FROM pg_index
        WHERE indrelid IN ('message_request'::regclass, 'usage_ledger'::regclass) AND NOT indisprimary;
      DO $$ DECLARE r record; BEGIN FOR r IN SELECT name FROM made LOOP EXECUTE 'DROP INDEX ' || r.name; END LOOP; END $$;
      ALTER TABLE message_request DISABLE TRIGGER USER;
      INSERT INTO message_request (id, provider_id, user_id, key, model, duration_ms, cost_usd, status_code, input_tokens, output_tokens,
          session_id, endpoint, created_at, updated_at)
        SELECT i, 1 + i % 20, 1 + i % 50, 'sk-' || md5('key ' || i % 120), 'model-' || 1 + i % 200, 100 + i % 9000, 0.001, 200, i % 5000, i % 700,
          'session-' || i % 9970, '/v1/messages', '2026-02-01Z'::timestamptz + i * interval '1 second', '2026-02-01Z'::timestamptz + i * interval '1 second'
        FROM generate_series(1000001, ${1_000_000 + ROWS}) AS i;
      ALTER TABLE message_request ENABLE TRIGGER USER;
      INSERT INTO usage_ledger (request_id, user_id, key, provider_id, final_provider_id, model, endpoint, session_id, status_code, is_success,
          cost_usd, input_tokens, output_tokens, duration_ms, created_at)
        SELECT id, user_id, key, provider_id, provider_id, model, endpoint, session_id, status_code, true, cost_usd, input_tokens, output_tokens,
          duration_ms, created_at FROM message_request WHERE id > 1000000;
      DO $$ DECLARE r record; BEGIN FOR r IN SELECT sql FROM made LOOP EXECUTE r.sql; END LOOP; END $$;
      DROP TABLE made;
      SELECT setval('message_request_id_seq', max(id)) FROM message_request;
      CREATE ROLE hub LOGIN CREATEDB; CREATE ROLE hub_with_right LOGIN IN ROLE hub;
      ${major >= 15 ? 'GRANT SET ON PARAMETER session_replication_role TO hub_with_right;' : ''}`, { timeoutMs });
    ofLog = await source.pgDump(path.join(dir, 'log.dump'), '-t', 'message_request', '-t', 'usage_ledger');
    whole = await source.pgDump(path.join(dir, 'whole.dump'));
    await source.drop();
  });

  const missing = (database) => database.count(
    `message_request AS m WHERE status_code IS NOT NULL AND NOT EXISTS (SELECT FROM usage_ledger WHERE request_id = m.id)`);

  const giveAway = (database) => database.exec(`DO $$ DECLARE r record; BEGIN
      FOR r IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO hub', r.name); END LOOP; END $$;
    ALTER SCHEMA public OWNER TO hub; ALTER SCHEMA drizzle OWNER TO hub; ALTER TABLE drizzle.__drizzle_migrations OWNER TO hub;
    ALTER FUNCTION fn_upsert_usage_ledger OWNER TO hub; ALTER DATABASE "${database.name}" OWNER TO hub`);

  // What the gateway of this database found during `action`.
  async function beside(t, what, database, action) {
    const gateway = await startGateway(database, { pauseMs: isLarge ? 40 : 5 });
    await until('the gateway', () => gateway.found.requests > 5);
    const begun = performance.now();
    await action();
    const seconds = (performance.now() - begun) / 1000;
    await until('another request', () => gateway.found.requests > 10, 60_000);
    const found = await gateway.stop();
    t.diagnostic(`${what}: ${ROWS} rows, ${seconds.toFixed(1)} s; ${found.requests} requests, ${found.errors.length} errors, ` +
      `longest statement ${found.longestMs.toFixed(0)} ms, longest wait for a lock ${found.longestWaitMs.toFixed(0)} ms, ` +
      `longest time without a finished request ${found.longestGapMs.toFixed(0)} ms, ended sessions ${found.reconnected}`);
    return found;
  }

  function assertGentle({ errors, longWaits, reconnected }) {
    assert.deepEqual(errors, []);
    assert.deepEqual(longWaits, []);
    assert.equal(reconnected, 0);
  }

  // A long reader of the log, for statistics or a dump, would block any strong lock, and writers would queue behind that.
  for (const [who, user, table] of [
    ['a superuser', 'postgres', []], ['a superuser', 'postgres', LOG],
    ['a role that may set session_replication_role', 'hub_with_right', LOG], ['the owner', 'hub', LOG],
  ]) {
    const what = `a merge by ${who} ${table.length ? 'of the log alone' : 'of log and ledger'}`;
    test(`goes on writing during ${what}, and its ledger is whole`, async (t) => {
      if (user === 'hub_with_right' && major < 15) return t.skip('no such right before PostgreSQL 15');
      const database = await createHub(server, 'v09');
      if (user !== 'postgres') await giveAway(database);
      const reader = database.session();
      await reader.exec('BEGIN; SELECT count(*) FROM message_request');
      let last;
      const found = await beside(t, what, database, async () => {
        ({ last } = await importOk(database, ofLog, { dsn: server.dsn(database.name, user), args: table, timeoutMs }));
      });
      await reader.close();
      assertGentle(found);
      assert.ok(last.tables.find((entry) => entry.table === 'public.message_request').inserted >= ROWS, JSON.stringify(last.tables));
      assert.equal(await missing(database), 0);
      assert.equal(await database.value(`SELECT tgenabled FROM pg_trigger WHERE tgname = 'trg_upsert_usage_ledger'`), 'O');
      await database.drop();
    });
  }

  test('waits no longer than was foretold where a merge has to lock the log', async (t) => {
    const database = await createHub(server, 'v09');
    await database.exec(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER note AFTER INSERT ON message_request FOR EACH ROW EXECUTE FUNCTION note()`);
    await giveAway(database);
    const dsn = server.dsn(database.name, 'hub');
    const shown = await cli(['import', '--dry-run', '--json', ...LOG, ofLog], { dsn, timeoutMs });
    const { lockSeconds } = JSON.parse(shown.stdout).tables.find((entry) => entry.table === 'public.message_request');
    let lockedAt;
    const found = await beside(t, `a merge by the owner beside another trigger, ${lockSeconds} s foretold`, database, async () => {
      const begun = Date.now();
      const { events } = await importOk(database, ofLog, { dsn, args: LOG, timeoutMs });
      lockedAt = events.findIndex((event) => event.warning && /public\.message_request/.test(event.message) && /lock/.test(event.message));
      assert.ok(lockedAt >= 0, `${Date.now() - begun}`);
    });
    assert.ok(lockSeconds > 0);
    assert.ok(found.longestGapMs / 1000 < 3 * lockSeconds + 5, `${found.longestGapMs} ms, where ${lockSeconds} s were foretold`);
    await database.drop();
  });

  test('is interrupted once by an overwrite by swap, and once by its undo', async (t) => {
    const database = await createHub(server, 'v09');
    await giveAway(database);
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    const swap = await beside(t, 'an overwrite by swap', database, () => importOk(database, whole, { overwrite: true, args: ['--method', 'swap'], timeoutMs }));
    assert.ok(await database.count('message_request') >= ROWS);
    const undo = await beside(t, 'an undo', database, async () => {
      const { code, stderr } = await cli(['import', '--undo', '--yes'], { dsn: database.dsn, timeoutMs });
      assert.equal(code, 0, stderr);
    });
    for (const found of [swap, undo]) {
      assert.deepEqual(found.longWaits, []);
      assert.ok(found.reconnected >= 1);
    }
    assert.equal((await cli(['import', '--undo-discard', '--yes'], { dsn: database.dsn })).code, 0);
    await database.drop();
  });

  test('waits during an overwrite in one transaction, as long as was foretold', async (t) => {
    const database = await createHub(server, 'v09');
    const { preview } = await previewByCli(database, whole, { args: ['--overwrite', '--method', 'transaction'] });
    const found = await beside(t, `an overwrite in one transaction, ${preview.lockSeconds} s foretold`, database,
      () => importOk(database, whole, { overwrite: true, args: ['--method', 'transaction'], timeoutMs }));
    assert.ok(preview.lockSeconds > 0);
    assert.ok(found.longestGapMs / 1000 < 3 * preview.lockSeconds + 5, `${found.longestGapMs} ms, where ${preview.lockSeconds} s were foretold`);
    await database.drop();
  });

  test('goes on writing during batches of 500 and syncs of prices', async (t) => {
    const database = await createHub(server, 'v09');
    await database.exec(`
      INSERT INTO users (name) SELECT 'more-' || i FROM generate_series(1, 500) AS i;
      INSERT INTO keys (user_id, key, name) SELECT 1, 'sk-more-' || i, 'more-' || i FROM generate_series(1, 500) AS i;
      INSERT INTO providers (name, url, key, provider_vendor_id) SELECT 'more-' || i, 'https://more.example', 'k', 1 FROM generate_series(1, 500) AS i`);
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    for (const [kind, set] of [['users', 'rpm=7'], ['keys', 'limit5hUsd=7'], ['providers', 'weight=7']]) {
      const ids = await database.value(`SELECT string_agg(id::text, ',') FROM (SELECT id FROM ${kind} ORDER BY id DESC LIMIT 500) AS newest`);
      assertGentle(await beside(t, `a batch of 500 ${kind}`, database, async () => {
        const { code, stderr } = await cli(['batch', kind, '--ids', ids, '--set', set, '--yes'], { dsn: database.dsn });
        assert.equal(code, 0, stderr);
      }));
    }
    const cloud = await startCloud();
    cloud.serve(tableOf(Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`model-of-the-cloud-${i}`, 1e-6]))));
    assertGentle(await beside(t, 'a sync of 4,000 prices', database, async () => {
      const { code, stderr } = await cli(['prices', 'sync'], { dsn: database.dsn, env: { PRICE_SYNC_URL: `${cloud.url}/prices.json` } });
      assert.equal(code, 0, stderr);
    }));
    cloud.stop();
    await database.drop();
  });
});
