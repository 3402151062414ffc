// Many concurrent administrators on two instances: at every commit, each user with a working key keeps one, and no deadlock is reported
// as an error. A kill between the locks and the commit changes nothing.
//
//   BATCH_SECONDS=300   duration (default: 10), BATCH_SEED=n

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { signal } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { Random } from './support/random.mjs';
import { until } from './support/run.mjs';
import { startPostgres, startRedis } from './support/servers.mjs';
import { Service, haveBinary, isSanitized } from './support/service.mjs';

const SECONDS = Number(process.env.BATCH_SECONDS ?? 10);
const SEED = Number(process.env.BATCH_SEED ?? Date.now() % 1_000_000_000);
const CLIENTS = isSanitized ? 20 : 50;
const USERS = 8;
const KEYS = 4; // of each user; the last one has expired

const post = async (service, target, body, headers = {}) => {
  const reply = await service.fetch(target, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });
  return { status: reply.status, body: await reply.json() };
};

for (const version of ['v05', 'v09']) {
  describe(`many at once on a hub ${version}`, { skip: !haveBinary && 'no binary' }, () => {
    let server, database, redis, services;

    before(async () => {
      [server, redis] = await Promise.all([startPostgres({ config: 'max_connections = 200\ntrack_commit_timestamp = on' }), startRedis()]);
      database = await Database.create(server);
      await database.execFile(fixture(`hub-${version}.sql`));
      services = await Promise.all([1, 2].map(() => Service.start({ dsn: database.dsn, redisUrl: redis.url })));
    });

    test(`no user loses the last key in ${SECONDS} s of mischief by ${CLIENTS} clients`, async (t) => {
      t.diagnostic(`BATCH_SEED=${SEED}`);
      // A trigger records every change of a key with its transaction; the commits are then replayed in order.
      await database.exec(`
        INSERT INTO users (id, name) SELECT 70000 + i, 'u' || i FROM generate_series(1, ${USERS}) AS i;
        INSERT INTO keys (id, user_id, key, name, is_enabled, expires_at)
        SELECT 80000 + i * 10 + k, 70000 + i, 'sk-' || i || '-' || k, 'k' || k, true, CASE WHEN k = ${KEYS} THEN now() - interval '1 day' END
          FROM generate_series(1, ${USERS}) AS i, generate_series(1, ${KEYS}) AS k;
        CREATE TABLE public.seen (n bigserial, xid xid NOT NULL, user_id int NOT NULL, key_id int NOT NULL, usable bool NOT NULL);
        CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO public.seen (xid, user_id, key_id, usable)
          VALUES (pg_catalog.pg_current_xact_id()::xid, NEW.user_id, NEW.id, NEW.is_enabled AND NEW.deleted_at IS NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > now()));
          RETURN NULL; END $$;
        CREATE TRIGGER see AFTER UPDATE ON public.keys FOR EACH ROW EXECUTE FUNCTION public.see()`);
      const all = Array.from({ length: USERS }, (_, i) => Array.from({ length: KEYS }, (_, k) => 80000 + (i + 1) * 10 + k + 1)).flat();
      const end = Date.now() + SECONDS * 1000;
      const counts = {}, operations = [];
      const client = async (number) => {
        const random = new Random(SEED + number);
        while (Date.now() < end) {
          const service = services[random.int(0, 1)];
          const keyIds = random.shuffle([...all]).slice(0, random.int(1, 12));
          const kind = random.int(0, 9);
          const reply = kind === 0 && operations.length > 0
            ? await post(service, `/api/v1/operations/${random.pick(operations)}:undo`, { skipConflicts: random.chance(0.5) })
            : kind === 1
              ? await post(service, '/api/v1/users:batchUpdate', { userIds: keyIds.map((id) => 70000 + Math.floor((id - 80000) / 10)), updates: { rpm: random.int(0, 100) } })
              : await post(service, '/api/v1/keys:batchUpdate', {
                keyIds, dryRun: random.chance(0.1),
                updates: { isEnabled: random.chance(0.35), ...(random.chance(0.3) ? { providerGroup: random.pick(['a', 'b', 'a,c']) } : {}) },
              });
          if (reply.status === 200 && reply.body.operationId) operations.push(reply.body.operationId);
          const outcome = reply.status === 200 ? 200 : `${reply.status} ${reply.body.errorCode}`;
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
      t.diagnostic(JSON.stringify(counts));
      // A lock wait of 15 s is reported as such; a deadlock must not occur.
      const expected = ['200', '409 CANNOT_DISABLE_LAST_KEY', '409 UNDO_CONFLICT', '409 batch.already_undone', '409 batch.nothing_to_undo', '503 database.lock_timeout'];
      assert.deepEqual(Object.keys(counts).filter((outcome) => !expected.includes(outcome)), []);
      assert.ok(counts['200'] > 0 && counts['409 CANNOT_DISABLE_LAST_KEY'] > 0, 'nothing to see');
      const usable = new Map(Array.from({ length: USERS }, (_, i) => [70001 + i, new Set(Array.from({ length: KEYS - 1 }, (_, k) => 80000 + (i + 1) * 10 + k + 1))]));
      const rows = await database.rows(`SELECT xid, user_id, key_id, usable FROM seen ORDER BY pg_xact_commit_timestamp(xid), n`);
      rows.forEach(([xid, user, key, isUsable], i) => {
        const keys = usable.get(Number(user));
        if (isUsable === 't') keys.add(Number(key));
        else keys.delete(Number(key));
        if (rows[i + 1]?.[0] === xid) return;
        for (const [id, left] of usable) assert.ok(left.size > 0, `after transaction ${xid} user ${id} has no key that works`);
      });
      assert.equal(await database.value(`
        SELECT count(DISTINCT user_id) FROM keys WHERE user_id BETWEEN 70001 AND ${70000 + USERS} AND is_enabled AND (expires_at IS NULL OR expires_at > now())`), String(USERS));
      // Each user's provider group is the union of the groups of the user's keys.
      assert.equal(await database.value(`
        SELECT count(*) FROM users AS u WHERE id BETWEEN 70001 AND ${70000 + USERS} AND provider_group IS DISTINCT FROM (
          SELECT string_agg(DISTINCT g, ',' ORDER BY g) FROM keys AS k, regexp_split_to_table(k.provider_group, ',') AS g WHERE k.user_id = u.id)`), '0');
    });

    // A batch whose transaction has done everything except the audit row, and holds its locks.
    async function held(body, headers) {
      const session = database.session();
      await session.exec(`BEGIN; LOCK TABLE ${version === 'v05' ? 'cch_data' : 'public'}.audit_log IN EXCLUSIVE MODE`);
      const reply = post(services[0], '/api/v1/users:batchUpdate', body, headers).catch((error) => ({ error }));
      const [pid] = await until('the batch before its commit', async () =>
        (await database.rows(`SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO %audit_log%'`))[0]);
      return { session, reply, pid };
    }

    const body = { userIds: [1, 2, 3], updates: { note: 'never', rpm: 4321 } };
    // The users, and the number of batches and audit rows.
    const state = () => database.value(`
      SELECT md5(string_agg(u::text, '|' ORDER BY id)) || ' ' || (SELECT count(*) FROM cch_data.operations) || ' ' ||
             (SELECT count(*) FROM ${version === 'v05' ? 'cch_data' : 'public'}.audit_log) FROM users AS u`);

    test('its backend is ended between lock and commit: nothing was changed', async () => {
      const before = await state();
      const { session, reply, pid } = await held(body);
      await database.exec(`SELECT pg_terminate_backend(${pid})`);
      const answer = await reply;
      assert.equal(answer.status, 503, JSON.stringify(answer.body));
      await session.close();
      assert.equal(await state(), before);
    });

    test('PostgreSQL is killed between lock and commit: nothing was changed, and the same request can come again', async () => {
      await database.exec('CHECKPOINT'); // the tests' server does not flush its commits
      const before = await state();
      const headers = { 'idempotency-key': `killed-${version}` };
      const { session, reply } = await held(body, headers);
      await server.stop('SIGQUIT');
      const answer = await reply;
      assert.equal(answer.status, 503, JSON.stringify(answer.body));
      await session.close();
      await server.start();
      assert.equal(await state(), before);
      const again = await post(services[0], '/api/v1/users:batchUpdate', body, headers);
      assert.equal(again.status, 200, JSON.stringify(again.body));
      assert.equal((await post(services[1], `/api/v1/operations/${again.body.operationId}:undo`, {})).status, 200);
      assert.equal(await database.value('SELECT count(*) FROM users WHERE rpm_limit = 4321'), '0');
    });

    test('the client leaves between lock and commit: nothing was changed', async () => {
      const before = await state();
      const session = database.session();
      await session.exec(`BEGIN; LOCK TABLE ${version === 'v05' ? 'cch_data' : 'public'}.audit_log IN EXCLUSIVE MODE`);
      const controller = new AbortController();
      const call = services[0].fetch('/api/v1/users:batchUpdate', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, signal: controller.signal }).catch(() => 'gone');
      const waiting = () => database.value(`SELECT count(*) FROM pg_stat_activity WHERE datname = '${database.name}' AND wait_event_type = 'Lock'`);
      await until('the batch before its commit', async () => (await waiting()) === '1');
      controller.abort();
      assert.equal(await call, 'gone');
      await until('the rollback', async () => (await waiting()) === '0');
      await session.close();
      assert.equal(await state(), before);
    });

    test('the service is killed between lock and commit: nothing was changed, and what was done before can be undone by the next', async () => {
      const done = await post(services[0], '/api/v1/users:batchUpdate', { userIds: [4], updates: { rpm: 99 } });
      assert.equal(done.status, 200, JSON.stringify(done.body));
      const before = await state();
      const { session, reply } = await held(body);
      signal(services[0].pid, 'SIGKILL');
      assert.ok((await reply).error);
      await session.close();
      await until('the end of the backend', async () => (await database.value(`SELECT count(*) FROM pg_stat_activity WHERE datname = '${database.name}' AND query LIKE 'INSERT INTO %audit_log%'`)) === '0');
      assert.equal(await state(), before);
      services[0] = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
      const undone = await post(services[0], `/api/v1/operations/${done.body.operationId}:undo`, {});
      assert.equal(undone.status, 200, JSON.stringify(undone.body));
      assert.notEqual(await database.value('SELECT rpm_limit FROM users WHERE id = 4'), '99');
    });
  });
}
