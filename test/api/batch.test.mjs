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
      [server, redis] = await Promise.all([startPostgres(), startRedis()]);
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
  });
}
