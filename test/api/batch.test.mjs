// Batches: users, keys and providers, all or nothing, previewed, undone; circuit breakers.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Database, fixture } from './support/database.mjs';
import { startPostgres, startRedis } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';

for (const version of ['v05', 'v09']) {
  describe(`batches on a hub ${version}`, { skip: !haveBinary && 'no binary' }, () => {
    let server, database, redis, service;

    before(async () => {
      [server, redis] = await Promise.all([startPostgres({ config: 'max_connections = 200' }), startRedis()]);
      database = await Database.create(server, { name: 'hub' });
      await database.execFile(fixture(`hub-${version}.sql`));
      await database.exec(`ALTER TABLE users ALTER tags SET DEFAULT '[]'; UPDATE users SET tags = '["a"]' WHERE id <= 5`);
      service = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    });

    async function post(target, body, headers = {}) {
      const reply = await service.fetch(target, {
        method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers },
      });
      return { status: reply.status, body: await reply.json() };
    }

    const user = (id) => database.value(`SELECT row_to_json(u) FROM users u WHERE id = ${id}`).then(JSON.parse);

    test('updates users, shows it beforehand, and takes it back', async () => {
      const updates = { note: '批量 🙂', tags: { add: ['b'], remove: ['a'] }, rpm: 60, dailyQuota: 10.5, limit5hUsd: null };
      const before = await user(3);
      const preview = await post('/api/v1/users:batchUpdate', { userIds: [3, 4, 3], updates, dryRun: true });
      assert.equal(preview.status, 200, JSON.stringify(preview.body));
      assert.equal(preview.body.requestedCount, 2);
      assert.deepEqual(preview.body.rows[0].changes.find((c) => c.field === 'tags'), { field: 'tags', before: ['a'], after: ['b'] });
      assert.deepEqual(await user(3), before);
      const done = await post('/api/v1/users:batchUpdate', { userIds: [3, 4, 3], updates });
      assert.equal(done.status, 200, JSON.stringify(done.body));
      assert.deepEqual([done.body.updatedCount, done.body.changedCount, done.body.cacheNotified], [2, 2, true]);
      const after = await user(3);
      assert.deepEqual([after.description, after.tags, after.rpm_limit, after.daily_limit_usd, after.limit_5h_usd], ['批量 🙂', ['b'], 60, 10.5, null]);
      const undone = await post(`/api/v1/operations/${done.body.operationId}:undo`, {});
      assert.equal(undone.status, 200, JSON.stringify(undone.body));
      assert.equal(undone.body.restoredCount, 2);
      assert.deepEqual({ ...(await user(3)), updated_at: 0 }, { ...before, updated_at: 0 });
      const again = await post(`/api/v1/operations/${done.body.operationId}:undo`, {});
      assert.deepEqual([again.status, again.body.errorCode], [409, 'batch.already_undone']);
    });

    // field: [values that are taken: [value, what is stored], …], [values that are refused: [value, code], …]
    const edges = {
      users: {
        note: [[['', ''], ['n'.repeat(200), 'n'.repeat(200)], ['🙂'.repeat(200), '🙂'.repeat(200)], [null, null]],
          [['n'.repeat(201), 'too_long'], ['🙂'.repeat(201), 'too_long'], [1, 'not_a_string']], 'description'],
        tags: [[[[], []], [Array.from({ length: 20 }, (_, i) => `t${i}`), Array.from({ length: 20 }, (_, i) => `t${i}`)], [['🙂'.repeat(32)], ['🙂'.repeat(32)]]],
          [[Array.from({ length: 21 }, (_, i) => `t${i}`), 'too_many'], [['x'.repeat(33)], 'too_long'], [['a', 'a'], 'duplicate'], [[' a'], 'not_trimmed'], [[1], 'not_a_string'], ['a', 'not_an_array'], [null, 'not_nullable']], 'tags'],
        rpm: [[[0, 0], [1000000, 1000000], [null, null], [1e3, 1000]],
          [[-1, 'out_of_range'], [1000001, 'out_of_range'], [1.5, 'too_many_decimals'], ['1', 'not_a_number'], [true, 'not_a_number'], [9007199254740993n, 'out_of_range']], 'rpm_limit'],
        dailyQuota: [[[0, 0], [100000, 100000], [0.01, 0.01], [null, null]], [[100000.01, 'out_of_range'], [0.004, 'too_many_decimals'], [-0.01, 'out_of_range'], ['', 'not_a_number']], 'daily_limit_usd'],
        limit5hUsd: [[[10000, 10000]], [[10000.01, 'out_of_range'], [1e-7, 'too_many_decimals'], [1e30, 'out_of_range']], 'limit_5h_usd'],
        limitWeeklyUsd: [[[50000, 50000]], [[50000.01, 'out_of_range']], 'limit_weekly_usd'],
        limitMonthlyUsd: [[[200000, 200000]], [[200000.01, 'out_of_range']], 'limit_monthly_usd'],
      },
      keys: {
        providerGroup: [[['b, a,b', 'a,b'], ['', 'default'], [null, 'default'], ['组一，组二', '组一,组二'], ['g'.repeat(192), 'g'.repeat(192)]], [['g'.repeat(201), 'too_long'], [7, 'not_a_string']], 'provider_group'],
        limitDailyUsd: [[[10000, 10000], [null, null]], [[10000.01, 'out_of_range'], [-5, 'out_of_range'], [0.001, 'too_many_decimals']], 'limit_daily_usd'],
        limit5hUsd: [[[0.5, 0.5]], [[123456789, 'out_of_range']], 'limit_5h_usd'],
        canLoginWebUi: [[[true, true], [false, false]], [[null, 'not_nullable'], ['true', 'not_a_boolean'], [1, 'not_a_boolean']], 'can_login_web_ui'],
        isEnabled: [[[true, true]], [[null, 'not_nullable'], [0, 'not_a_boolean']], 'is_enabled'],
      },
      providers: {
        is_enabled: [[[false, false], [true, true]], [[null, 'not_nullable']], 'is_enabled'],
        priority: [[[0, 0], [2147483647, 2147483647]], [[-1, 'out_of_range'], [2147483648, 'out_of_range'], [null, 'not_nullable']], 'priority'],
        weight: [[[1, 1], [100, 100]], [[0, 'out_of_range'], [101, 'out_of_range'], [1.5, 'too_many_decimals']], 'weight'],
        cost_multiplier: [[[0, 0], [0.0001, 0.0001], [1.5, 1.5]], [[0.00004, 'too_many_decimals'], [-1, 'out_of_range'], [null, 'not_nullable']], 'cost_multiplier'],
        group_tag: [[['x'.repeat(50), 'x'.repeat(50)], ['🙂'.repeat(50), '🙂'.repeat(50)], [null, null]], [[version === 'v05' ? 'x'.repeat(51) : 'x'.repeat(256), 'too_long']], 'group_tag'],
      },
    };
    const idsName = { users: 'userIds', keys: 'keyIds', providers: 'providerIds' };
    // JSON with integers beyond 2^53 as they are.
    const json = (value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `@${v}@` : v)).replace(/"@(\d+)@"/g, '$1');

    for (const [entity, fields] of Object.entries(edges)) {
      test(`every field of ${entity} at its edges and beyond`, async () => {
        const id = Number(await database.value(`SELECT min(id) FROM ${entity} WHERE deleted_at IS NULL`));
        const send = async (updates) => {
          const reply = await service.fetch(`/api/v1/${entity}:batchUpdate`, {
            method: 'POST', body: json({ [idsName[entity]]: [id], updates }), headers: { 'content-type': 'application/json' },
          });
          return { status: reply.status, body: await reply.json() };
        };
        const stored = async (column) => JSON.parse(await database.value(`SELECT coalesce(to_json(${column}), 'null') FROM ${entity} WHERE id = ${id}`));
        for (const [field, [taken, refused, column]] of Object.entries(fields)) {
          for (const [value, result] of taken) {
            const reply = await send({ [field]: value });
            assert.equal(reply.status, 200, `${field} ${value}: ${JSON.stringify(reply.body)}`);
            assert.deepEqual(await stored(column), result, `${field} ${value}`);
          }
          const last = await stored(column);
          for (const [value, code] of refused) {
            const reply = await send({ [field]: value });
            assert.equal(reply.status, 400, `${field} ${value}: ${JSON.stringify(reply.body)}`);
            const where = reply.body.invalidParams[0];
            assert.deepEqual([where.path, where.code], [`updates.${field}`, code], `${field} ${value}`);
            assert.deepEqual(await stored(column), last);
          }
        }
      });
    }

    test('lists all that is wrong at once, and refuses what it does not know', async () => {
      const bad = await post('/api/v1/users:batchUpdate', { userIds: [1, 'x', 0], updates: { rpm: -1, role: 'admin' }, dryrun: true });
      assert.equal(bad.status, 400);
      assert.deepEqual(bad.body.invalidParams.map((p) => [p.path, p.code]), [
        ['dryrun', 'unknown_field'], ['userIds[1]', 'not_an_id'], ['userIds[2]', 'not_an_id'],
        ['updates.rpm', 'out_of_range'], ['updates.role', 'unknown_field'],
      ]);
      const cases = [
        [{ userIds: [], updates: { rpm: 1 } }, 400, 'REQUIRED_FIELD'],
        [{ userIds: [1], updates: {} }, 400, 'EMPTY_UPDATE'],
        [{ userIds: Array.from({ length: 501 }, (_, i) => i + 1), updates: { rpm: 1 } }, 400, 'INVALID_FORMAT'],
        [{ userIds: [1, 999999], updates: { rpm: 77 } }, 404, 'NOT_FOUND'],
      ];
      for (const [body, status, code] of cases) {
        const reply = await post('/api/v1/users:batchUpdate', body);
        assert.deepEqual([reply.status, reply.body.errorCode], [status, code], JSON.stringify(reply.body));
      }
      assert.match((await post('/api/v1/users:batchUpdate', cases[3][0])).body.detail, /^users: 999999$/);
      assert.notEqual((await user(1)).rpm_limit, 77);
      const action = await post('/api/actions/users/batchUpdateUsers', { userIds: [999999], updates: { rpm: 1 } });
      assert.deepEqual([action.status, action.body.ok, action.body.errorCode], [404, false, 'NOT_FOUND']);
    });

    test('leaves every user a key that works, also against itself', async () => {
      await database.exec(`
        INSERT INTO users (id, name) SELECT 70000 + i, 'u' || i FROM generate_series(1, 20) AS i;
        INSERT INTO keys (id, user_id, key, name, is_enabled, expires_at)
        SELECT 80000 + i * 10 + k, 70000 + i, 'sk-' || i || '-' || k, 'k' || k, true, CASE WHEN k = 4 THEN now() - interval '1 day' END
        FROM generate_series(1, 20) AS i, generate_series(1, 4) AS k`);
      const ids = (i) => [1, 2, 3].map((k) => 80000 + i * 10 + k);
      const all = await post('/api/v1/keys:batchUpdate', { keyIds: ids(1), updates: { isEnabled: false } });
      assert.deepEqual([all.status, all.body.errorCode, all.body.detail], [409, 'CANNOT_DISABLE_LAST_KEY', 'users: u1 (70001)']);
      const expired = await post('/api/v1/keys:batchUpdate', { keyIds: [80024], updates: { isEnabled: false } });
      assert.equal(expired.status, 200);
      await database.exec(`UPDATE keys SET is_enabled = false WHERE user_id = 70020`);
      const none = await post('/api/v1/keys:batchUpdate', { keyIds: [...ids(20), 80031], updates: { isEnabled: false } });
      assert.equal(none.status, 200, 'a user without a key that works is in nobody\'s way');
      // Clients that disable overlapping sets at once, two of three keys each.
      const replies = await Promise.all(Array.from({ length: 60 }, (_, n) => {
        const keyIds = [4, 5, 6, 7, 8].flatMap((i) => ids(i).filter((id) => (id + n) % 3 !== 0));
        return post('/api/v1/keys:batchUpdate', { keyIds: n % 2 ? keyIds : keyIds.reverse(), updates: { isEnabled: false } });
      }));
      for (const reply of replies) assert.ok([200, 409].includes(reply.status), JSON.stringify(reply.body));
      assert.equal(await database.value(`SELECT count(DISTINCT user_id) FROM keys WHERE user_id BETWEEN 70004 AND 70008 AND is_enabled AND (expires_at IS NULL OR expires_at > now())`), '5');
    });

    test("a user's group is the union of its keys' groups", async () => {
      await database.exec(`
        INSERT INTO users (id, name, provider_group) VALUES (71000, 'grouped', 'default');
        INSERT INTO keys (id, user_id, key, name) VALUES (81000, 71000, 'sk-g1', 'a'), (81001, 71000, 'sk-g2', 'b')`);
      const done = await post('/api/v1/keys:batchUpdate', { keyIds: [81000], updates: { providerGroup: 'z, b' } });
      assert.equal(done.status, 200, JSON.stringify(done.body));
      assert.equal(await database.value('SELECT provider_group FROM users WHERE id = 71000'), 'b,default,z');
      const long = await post('/api/v1/keys:batchUpdate', { keyIds: [81001], updates: { providerGroup: 'y'.repeat(199) } });
      assert.deepEqual([long.status, long.body.errorCode], [409, 'batch.group_too_long']);
      assert.equal(await database.value('SELECT provider_group FROM keys WHERE id = 81001'), 'default');
      const undone = await post(`/api/v1/operations/${done.body.operationId}:undo`, {});
      assert.equal(undone.status, 200, JSON.stringify(undone.body));
      assert.equal(await database.value('SELECT provider_group FROM users WHERE id = 71000'), 'default');
    });

    test('an undo refuses rows that were changed since, or leaves them', async () => {
      const done = await post('/api/v1/users:batchUpdate', { userIds: [7, 8], updates: { rpm: 123 } });
      await database.exec('UPDATE users SET rpm_limit = 5 WHERE id = 8');
      const refused = await post(`/api/v1/operations/${done.body.operationId}:undo`, {});
      assert.deepEqual([refused.status, refused.body.errorCode, refused.body.conflicts.map((c) => c.id)], [409, 'UNDO_CONFLICT', [8]]);
      assert.equal((await user(7)).rpm_limit, 123);
      const rest = await post(`/api/v1/operations/${done.body.operationId}:undo`, { skipConflicts: true });
      assert.deepEqual([rest.status, rest.body.restoredCount, rest.body.skipped.length], [200, 1, 1]);
      const redone = await post(`/api/v1/operations/${rest.body.operationId}:undo`, {});
      assert.equal(redone.status, 200);
      assert.equal((await user(7)).rpm_limit, 123);
      await database.exec(`UPDATE cch_data.operations SET expires_at = now() - interval '1 s' WHERE id = '${redone.body.operationId}'`);
      const late = await post(`/api/v1/operations/${redone.body.operationId}:undo`, {});
      assert.ok([404, 410].includes(late.status));
      assert.equal((await post('/api/v1/operations/nothing:undo', {})).status, 404);
    });

    test('the same request twice is done once', async () => {
      const headers = { 'idempotency-key': 'once-1' };
      const body = { userIds: [9], updates: { note: 'once' } };
      const both = await Promise.all([post('/api/v1/users:batchUpdate', body, headers), post('/api/v1/users:batchUpdate', body, headers)]);
      assert.deepEqual(both.map((r) => r.status), [200, 200]);
      assert.equal(both[0].body.operationId, both[1].body.operationId);
      const other = await post('/api/v1/users:batchUpdate', { ...body, userIds: [10] }, headers);
      assert.deepEqual([other.status, other.body.errorCode], [409, 'IDEMPOTENCY_CONFLICT']);
      assert.equal(await database.value(`SELECT count(*) FROM cch_data.operations WHERE idempotency_key = 'once-1'`), '1');
    });

    test('deletes providers softly, with their circuit breakers, and brings them back', async () => {
      const id = Number(await database.value('SELECT max(id) FROM providers WHERE deleted_at IS NULL'));
      await redis.command('HSET', `circuit_breaker:config:${id}`, 'failureThreshold', '5');
      const news = redis.subscribe('cch:cache:providers:updated');
      const done = await post('/api/v1/providers:batchDelete', { providerIds: [id] });
      assert.deepEqual([done.status, done.body.deletedCount, done.body.cacheNotified], [200, 1, true], JSON.stringify(done.body));
      assert.equal(await database.value(`SELECT deleted_at IS NOT NULL FROM providers WHERE id = ${id}`), 't');
      assert.equal(await redis.command('EXISTS', `circuit_breaker:config:${id}`), 0);
      assert.ok(news.received('cch:cache:providers:updated'));
      news.stop();
      assert.equal((await post('/api/v1/providers:batchDelete', { providerIds: [id] })).status, 404);
      assert.equal((await post(`/api/v1/operations/${done.body.operationId}:undo`, {})).status, 200);
      assert.equal(await database.value(`SELECT deleted_at IS NULL FROM providers WHERE id = ${id}`), 't');
    });

    test('closes circuit breakers, and counts those that it closed', async () => {
      const [a, b] = (await database.value(`SELECT string_agg(id::text, ',') FROM (SELECT id FROM providers WHERE deleted_at IS NULL ORDER BY id LIMIT 2) AS p`)).split(',').map(Number);
      await redis.command('HSET', `circuit_breaker:state:${a}`, 'circuitState', 'open', 'failureCount', '7', 'circuitOpenUntil', '99', 'lastFailureTime', '9', 'halfOpenSuccessCount', '1');
      const dry = await post('/api/v1/providers/circuits:batchReset', { providerIds: [a, b], dryRun: true });
      assert.deepEqual([dry.status, dry.body.resetIds], [200, [a]], JSON.stringify(dry.body));
      const done = await post('/api/actions/providers/batchResetProviderCircuits', { providerIds: [a, b] });
      assert.deepEqual([done.status, done.body.data.resetCount], [200, 1], JSON.stringify(done.body));
      assert.equal(await redis.command('HGET', `circuit_breaker:state:${a}`, 'circuitState'), 'closed');
      assert.equal(await redis.command('HGET', `circuit_breaker:state:${a}`, 'failureCount'), '0');
      assert.equal((await redis.command('TTL', `circuit_breaker:state:${a}`)) > 86000, true);
      assert.equal((await post('/api/v1/providers/circuits:batchReset', { providerIds: [a] })).body.resetCount, 0);
      assert.equal((await post('/api/v1/providers/circuits:batchReset', { providerIds: [a, 999999] })).status, 404);
    });
  });
}
