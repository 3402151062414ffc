// Batches: users, keys and providers, all or nothing, previewed, undone; circuit breakers.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { Database, fixture } from './support/database.mjs';
import { until } from './support/run.mjs';
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
      // Clients that disable overlapping sets at the same time, each two of three keys.
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
      assert.deepEqual([late.status, late.body.errorCode], [410, 'UNDO_EXPIRED']);
      const other = await post('/api/v1/users:batchUpdate', { userIds: [7], updates: { rpm: 124 } });
      assert.equal((await post(`/api/v1/operations/${redone.body.operationId}:undo`, {})).status, 410);
      const bodiless = await service.fetch(`/api/v1/operations/${other.body.operationId}:undo`, { method: 'POST' });
      assert.deepEqual([bodiless.status, (await bodiless.json()).restoredCount], [200, 1]);
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
      const news = await redis.subscribe('cch:cache:providers:updated');
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

    test('a dry run shows what would be refused and why, and everything that would follow', async () => {
      await database.exec(`
        INSERT INTO users (id, name, provider_group) VALUES (72000, 'dry', 'default'), (72001, 'dry too', 'default');
        INSERT INTO keys (id, user_id, key, name, is_enabled) VALUES (82000, 72000, 'sk-d1', 'a', true), (82001, 72001, 'sk-d2', 'b', true), (82002, 72001, 'sk-d3', 'c', true)`);
      const body = { keyIds: [82000, 82001, 999999], updates: { isEnabled: false, providerGroup: 'g' } };
      const before = await database.fingerprint();
      const dry = await post('/api/v1/keys:batchUpdate', { ...body, dryRun: true });
      assert.equal(dry.status, 200, JSON.stringify(dry.body));
      assert.deepEqual(dry.body.refused.map((row) => [row.entity, row.id, row.name, row.errorCode]), [['keys', 999999, undefined, 'NOT_FOUND'], ['users', 72000, 'dry', 'CANNOT_DISABLE_LAST_KEY']]);
      assert.ok(dry.body.refused.every((row) => row.message.length > 0));
      assert.deepEqual(dry.body.rows.map((row) => [row.entity, row.id]), [['keys', 82000], ['keys', 82001], ['users', 72000], ['users', 72001]]);
      assert.deepEqual(dry.body.fields.find((field) => field.entity === 'users'),
        { entity: 'users', field: 'providerGroup', changed: 2, before: [{ value: 'default', count: 2 }], after: [{ value: 'default,g', count: 1 }, { value: 'g', count: 1 }] });
      assert.equal(await database.fingerprint(), before);
      const real = await post('/api/v1/keys:batchUpdate', body);
      assert.deepEqual([real.status, real.body.errorCode], [404, 'NOT_FOUND']);
      assert.deepEqual(real.body.refused, dry.body.refused);
      assert.equal(await database.fingerprint(), before);
      const good = await post('/api/v1/keys:batchUpdate', { ...body, keyIds: [82001] , dryRun: true });
      const done = await post('/api/v1/keys:batchUpdate', { ...body, keyIds: [82001] });
      assert.deepEqual([good.body.refused, done.status], [[], 200]);
      const recorded = await (await service.fetch(`/api/v1/operations/${done.body.operationId}`)).json();
      assert.deepEqual(recorded.rows, good.body.rows, 'what was shown is what was done');
    });

    test("an undo sets a user's group back to what it was, not to what follows", async () => {
      await database.exec(`
        INSERT INTO users (id, name, provider_group) VALUES (73000, 'special', 'vip');
        INSERT INTO keys (id, user_id, key, name) VALUES (83000, 73000, 'sk-s1', 'a'), (83001, 73000, 'sk-s2', 'b')`);
      const groupOf = () => database.value('SELECT provider_group FROM users WHERE id = 73000');
      const unchanged = await post('/api/v1/keys:batchUpdate', { keyIds: [83000], updates: { providerGroup: 'default' } });
      assert.deepEqual([unchanged.body.changedCount, await groupOf()], [0, 'vip']);
      const done = await post('/api/v1/keys:batchUpdate', { keyIds: [83000], updates: { providerGroup: 'x' } });
      assert.equal(await groupOf(), 'default,x');
      const undone = await post(`/api/v1/operations/${done.body.operationId}:undo`, {});
      assert.deepEqual([undone.status, await groupOf()], [200, 'vip'], JSON.stringify(undone.body));
      const redone = await post(`/api/v1/operations/${undone.body.operationId}:undo`, {});
      assert.deepEqual([redone.status, await groupOf()], [200, 'default,x']);
      await database.exec(`UPDATE users SET provider_group = 'by hand' WHERE id = 73000`);
      const last = await post(`/api/v1/operations/${redone.body.operationId}:undo`, {});
      assert.deepEqual([last.status, await groupOf()], [200, 'default'], 'somebody changed it since: it follows from the keys');
    });

    test('an undo heeds the rules, and rows that were deleted since', async () => {
      await database.exec(`
        INSERT INTO users (id, name) VALUES (74000, 'undo');
        INSERT INTO keys (id, user_id, key, name, is_enabled) VALUES (84000, 74000, 'sk-u1', 'a', false), (84001, 74000, 'sk-u2', 'b', true)`);
      const done = await post('/api/v1/keys:batchUpdate', { keyIds: [84000], updates: { isEnabled: true } });
      await database.exec('UPDATE keys SET is_enabled = false WHERE id = 84001');
      const target = `/api/v1/operations/${done.body.operationId}:undo`;
      const dry = await post(target, { dryRun: true });
      assert.deepEqual([dry.status, dry.body.refused.map((row) => row.id)], [200, [74000]], JSON.stringify(dry.body));
      const refused = await post(target, {});
      assert.deepEqual([refused.status, refused.body.errorCode], [409, 'CANNOT_DISABLE_LAST_KEY']);
      await database.exec('UPDATE keys SET deleted_at = now() WHERE id = 84000');
      const conflict = await post(target, {});
      assert.deepEqual([conflict.status, conflict.body.conflicts.map((row) => row.id)], [409, [84000]]);
      const none = await post('/api/v1/keys:batchUpdate', { keyIds: [84001], updates: { isEnabled: false } });
      const nothing = await post(`/api/v1/operations/${none.body.operationId}:undo`, {});
      assert.deepEqual([nothing.status, nothing.body.errorCode], [409, 'batch.nothing_to_undo']);
    });

    test('all users whose groups would be too long are named, and so are those with too many tags', async () => {
      await database.exec(`
        INSERT INTO users (id, name, tags) SELECT 75000 + i, 'long ' || i, (SELECT jsonb_agg('t' || t) FROM generate_series(1, 20) AS t) FROM generate_series(1, 2) AS i;
        INSERT INTO keys (id, user_id, key, name, provider_group) SELECT 85000 + i * 10 + k, 75000 + i, 'sk-l' || i || k, 'k', repeat('a', 150) FROM generate_series(1, 2) AS i, generate_series(1, 2) AS k`);
      const before = await database.fingerprint();
      const groups = await post('/api/v1/keys:batchUpdate', { keyIds: [85011, 85021], updates: { providerGroup: 'b'.repeat(100) } });
      assert.deepEqual([groups.status, groups.body.errorCode, groups.body.detail], [409, 'batch.group_too_long', 'users: long 1 (75001), long 2 (75002)']);
      const tags = await post('/api/v1/users:batchUpdate', { userIds: [1, 75001, 75002], updates: { tags: { add: ['one more'] } } });
      assert.deepEqual([tags.status, tags.body.errorCode, tags.body.refused.map((row) => row.id)], [409, 'batch.too_many_tags', [75001, 75002]]);
      assert.equal(await database.fingerprint(), before);
    });

    test('the hub is told of keys and users, and forgets what it had cached of them', async () => {
      await database.exec(`
        INSERT INTO users (id, name) VALUES (76000, 'cached');
        INSERT INTO keys (id, user_id, key, name) VALUES (86000, 76000, 'sk-cached', 'a')`);
      const digest = createHash('sha256').update('sk-cached').digest('hex');
      const fill = () => Promise.all([`api_key_auth:v1:key:${digest}`, 'api_key_auth:v1:user:76000'].map((key) => redis.command('SET', key, '{}')));
      for (const [target, body, left] of [
        ['users', { userIds: [76000], updates: { rpm: 5 } }, 0], ['keys', { keyIds: [86000], updates: { limitDailyUsd: 5 } }, 1]]) {
        await fill();
        const news = await redis.subscribe('cch:cache:api_keys:updated');
        const done = await post(`/api/v1/${target}:batchUpdate`, body);
        assert.deepEqual([done.status, done.body.cacheNotified], [200, true]);
        assert.equal(await redis.command('EXISTS', `api_key_auth:v1:key:${digest}`), 0);
        assert.equal(await redis.command('EXISTS', 'api_key_auth:v1:user:76000'), left);
        await until('the message', () => news.received('cch:cache:api_keys:updated'));
        news.stop();
      }
    });

    test('the audit log has who, what, how many, and what was before and after', async () => {
      const [before] = [(await user(11)).rpm_limit];
      const done = await post('/api/v1/users:batchUpdate', { userIds: [11], updates: { rpm: 4242 } });
      const table = version === 'v05' ? 'cch_data.audit_log' : 'audit_log';
      const entry = JSON.parse(await database.value(`SELECT row_to_json(a) FROM ${table} AS a WHERE target_name = '${done.body.operationId}'`));
      const row = { entity: 'users', id: 11, name: (await user(11)).name };
      assert.deepEqual([entry.action_category, entry.action_type, entry.success, entry.before_value, entry.after_value], ['batch', 'users:batchUpdate', true,
        { changedCount: 1, rows: [{ ...row, values: { rpm: before } }] }, { changedCount: 1, rows: [{ ...row, values: { rpm: 4242 } }] }]);
      assert.match(entry.operator_user_name, /@ 127\.0\.0\.1$/);
      assert.equal(entry.operator_ip, '127.0.0.1');
    });

    test('500 ids are taken, 501 are not, and duplicates count once', async () => {
      await database.exec(`INSERT INTO users (id, name) SELECT 90000 + i, 'many ' || i FROM generate_series(1, 501) AS i`);
      const ids = Array.from({ length: 501 }, (_, i) => 90001 + i);
      const most = await post('/api/v1/users:batchUpdate', { userIds: [...ids.slice(0, 500), ...ids.slice(0, 300)], updates: { rpm: 3 } });
      assert.deepEqual([most.status, most.body.updatedCount], [200, 500], JSON.stringify(most.body).slice(0, 300));
      const more = await post('/api/v1/users:batchUpdate', { userIds: ids, updates: { rpm: 4 } });
      assert.deepEqual([more.status, more.body.errorCode], [400, 'INVALID_FORMAT']);
      assert.match(more.body.detail, /500/);
      assert.equal(await database.value('SELECT count(*) FROM users WHERE rpm_limit = 3 AND id > 90000'), '500');
      for (const id of [1.5, '1', null, 0, -1, 2147483648, true]) {
        const bad = await post('/api/v1/users:batchUpdate', { userIds: [90001, id], updates: { rpm: 5 } });
        assert.deepEqual([bad.status, bad.body.invalidParams[0].path, bad.body.invalidParams[0].code], [400, 'userIds[1]', 'not_an_id'], String(id));
        assert.ok(bad.body.invalidParams[0].message.endsWith(`: ${JSON.stringify(id)}`), bad.body.invalidParams[0].message);
      }
    });

    test('a reset that comes again answers what the first one did', async () => {
      const id = Number(await database.value('SELECT min(id) FROM providers WHERE deleted_at IS NULL'));
      await redis.command('HSET', `circuit_breaker:state:${id}`, 'circuitState', 'half-open', 'failureCount', '2');
      const news = await redis.subscribe('cch:cache:circuit_breaker_config:updated');
      const headers = { 'idempotency-key': 'reset-once' };
      const first = await post('/api/v1/providers/circuits:batchReset', { providerIds: [id] }, headers);
      assert.deepEqual([first.status, first.body.resetIds], [200, [id]], JSON.stringify(first.body));
      await until('the message', () => news.received('cch:cache:circuit_breaker_config:updated'));
      news.stop();
      await redis.command('HSET', `circuit_breaker:state:${id}`, 'circuitState', 'open');
      const again = await post('/api/v1/providers/circuits:batchReset', { providerIds: [id] }, headers);
      assert.deepEqual(again.body, first.body);
      assert.equal(await redis.command('HGET', `circuit_breaker:state:${id}`, 'circuitState'), 'open');
    });
  });
}
