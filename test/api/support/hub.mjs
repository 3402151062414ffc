// A stand-in for Claude Code Hub: its tables with their trigger and the record of their migrations (fixtures hub-v05.sql and
// hub-v09.sql), its start, a gateway that writes its log under a lock_timeout, and a reader of its channels.

import { setTimeout as delay } from 'node:timers/promises';
import { Database, fixture } from './database.mjs';
import { run } from './run.mjs';

export const LEVELS = { v05: 60, v09: 119 };

// The hub's migrations from v0.5 to v0.9 and later, as far as they matter to us, in the hub's form: 0089 adds a column without IF NOT
// EXISTS.
const LATER = [
  [73, `CREATE TABLE IF NOT EXISTS usage_ledger (id serial PRIMARY KEY, request_id integer NOT NULL UNIQUE, user_id integer NOT NULL, key varchar NOT NULL,
    provider_id integer NOT NULL, final_provider_id integer NOT NULL, created_at timestamptz NOT NULL)`],
  [89, 'ALTER TABLE usage_ledger ADD COLUMN group_cost_multiplier numeric(10,4)'],
  [110, 'CREATE TABLE provider_groups (id serial PRIMARY KEY, name varchar(200) NOT NULL UNIQUE)'],
  [119, 'ALTER TABLE message_request ADD COLUMN is_replay boolean NOT NULL DEFAULT false'],
  [120, 'ALTER TABLE system_settings ADD COLUMN replay_cache_ttl_minutes integer NOT NULL DEFAULT 30'],
];

// A hub's database at this level (v05, v09), to which nobody is connected.
export async function createHub(server, level, options = {}) {
  const database = await Database.create(server, options);
  await database.execFile(fixture(`hub-${level}.sql`));
  return database;
}

// The hub's start on a database: its first migrations if it has none, then those of `LATER` up to `level`, all in one transaction.
// Resolves to the hub's exit code; 1, with the reason, when a migration fails.
export async function startHub(database, { level = 119 } = {}) {
  const recorded = Number(await database.value(
    `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('drizzle.__drizzle_migrations')`))
    ? Number(await database.value('SELECT count(*) FROM drizzle.__drizzle_migrations')) : 0;
  const steps = LATER.filter(([number]) => number > recorded && number <= level);
  if (recorded === 0) {
    steps.splice(0, steps.length, [1, `
      CREATE SCHEMA IF NOT EXISTS drizzle;
      CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
      CREATE TABLE users (id serial PRIMARY KEY, name varchar NOT NULL);
      CREATE TABLE keys (id serial PRIMARY KEY, user_id integer NOT NULL, key varchar NOT NULL);
      CREATE TABLE message_request (id serial PRIMARY KEY, provider_id integer NOT NULL, user_id integer NOT NULL, key varchar NOT NULL);
      CREATE TABLE system_settings (id serial PRIMARY KEY, site_title varchar(128) NOT NULL DEFAULT 'CC Hub');`], ...LATER.filter(([number]) => number <= level));
  }
  const record = `INSERT INTO drizzle.__drizzle_migrations (hash, created_at)
    SELECT encode(sha256(convert_to('migration ' || i, 'UTF8')), 'hex'), 1755000000000 + i * 3600000 FROM generate_series(${recorded + 1}, ${level}) AS i;`;
  const sql = `BEGIN; SET LOCAL search_path TO public;\n${steps.map(([, statement]) => `${statement};`).join('\n')}\n${level > recorded ? record : ''}\nCOMMIT;`;
  const { code, stderr } = await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], { env: database.env, input: sql });
  return { code: code === 0 ? 0 : 1, reason: stderr };
}

// A gateway that logs requests one after the other, each an INSERT and an UPDATE with the hub's lock_timeout, from `count`
// sessions, which connect again when they are ended. `stop` resolves to what was found:
//   requests     finished ones
//   errors       what the server refused
//   longestMs    the longest time of a statement that succeeded
//   longestGapMs the longest time without a finished request in any session
//   reconnected  how often a session was ended by others
//   longWaits    waits for a lock over 500 ms in the server's log, which a busy machine alone does not cause
//   longestWaitMs the longest wait for a lock in that log that was over 20 ms and ended with the lock; 0 without one
export async function startGateway(database, { lockTimeout = '1s', count = 2, pauseMs = 5 } = {}) {
  const found = { requests: 0, errors: [], longestMs: 0, longestGapMs: 0, reconnected: 0, longWaits: [], longestWaitMs: 0 };
  let isStopped = false;
  const write = async (n) => {
    let session, finished = performance.now();
    const begin = async () => {
      session = database.session();
      await session.exec(`SET lock_timeout = '${lockTimeout}'; SET deadlock_timeout = '20ms'; SET log_lock_waits = on; SET application_name = 'gateway'`);
    };
    const timed = async (sql, expected) => {
      const begun = performance.now();
      const text = await session.exec(sql);
      if (!expected.test(text)) return null;
      found.longestMs = Math.max(found.longestMs, performance.now() - begun);
      return text;
    };
    await begin();
    while (!isStopped) {
      const id = await timed(`INSERT INTO message_request (provider_id, user_id, key, model) VALUES (1, 1, 'gateway-${n}', 'm') RETURNING id`, /^\d+$/);
      const done = id && await timed(`UPDATE message_request SET status_code = 200, cost_usd = 0.001, updated_at = now() WHERE id = ${id} RETURNING 'done'`, /^done$/);
      if (done) {
        found.requests++;
        found.longestGapMs = Math.max(found.longestGapMs, performance.now() - finished);
        finished = performance.now();
      } else if (session.hasEnded) {
        found.reconnected++;
        await begin();
      } else {
        found.errors.push(session.errors);
      }
      await delay(pauseMs);
    }
    await session.close();
  };
  const sessions = Array.from({ length: count }, (_, n) => write(n));
  const logged = database.server.log().length;
  return {
    found,
    async stop() {
      isStopped = true;
      await Promise.all(sessions);
      const waits = database.server.log().slice(logged).split('\n')
        .filter((line) => line.includes(`postgres@${database.name} `) && / (still waiting for|acquired) .* after \d/.test(line))
        .map((line) => ({ line, ms: Number(/ after ([\d.]+) ms/.exec(line)[1]) }));
      found.longestWaitMs = Math.max(0, ...waits.map(({ ms }) => ms));
      found.longWaits = waits.filter(({ ms }) => ms > 500).map(({ line }) => line);
      return found;
    },
  };
}

export const CHANNELS = ['cch:cache:providers:updated', 'cch:cache:api_keys:updated', 'cch:cache:error_rules:updated'];
