// Kills in the middle of an import: the database is unchanged, the lock is free, nothing is left behind.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { signal, temporaryDirectory } from './support/cleanup.mjs';
import { slowArchive } from './support/archive.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { assertIdle } from './support/idle.mjs';
import { until } from './support/run.mjs';
import { haveRedis, startPostgres, startRedis } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { frames, lastEvent } from './support/sse.mjs';
import { startUpload, upload } from './support/upload.mjs';

const dir = temporaryDirectory('faults');

// An upload whose import has reached `phase`; `events` grows, and `ended` resolves at the end of the stream, however it ends.
async function importing(service, file, phase, fields = {}) {
  const { response, request } = startUpload(service, { file, fields });
  const stream = frames(await response);
  const events = [];
  await new Promise((resolve, reject) => {
    events.ended = (async () => {
      try {
        for await (const { data } of stream) {
          if (data) events.push(data);
          if (data?.phase === phase) resolve();
        }
      } catch (error) {
        events.broken = error;
      }
      reject(new Error(`the import ended before ${phase}: ${JSON.stringify(lastEvent(events))}`));
    })();
  });
  return { events, request };
}

describe('killed in the middle of an import:', { skip: !haveBinary && 'no binary' }, () => {
  let server, slow, hubArchive, template;

  before(async () => {
    server = await startPostgres();
    slow = { data: await slowArchive(server, dir, { phase: 'data', rows: 1200 }), indexes: await slowArchive(server, dir, { phase: 'indexes', rows: 1200 }) };
    const hub = await Database.create(server);
    await hub.execFile(fixture('hub-v05.sql'));
    hubArchive = await hub.pgDump(path.join(dir, 'hub.dump'));
    template = hub.name;
  });

  // Without a record of the hub's migrations, which the generated archives also lack.
  const target = async () => {
    const database = await Database.create(server, { template });
    await database.exec('DROP SCHEMA drizzle CASCADE');
    return database;
  };
  const withoutMigrations = { AUTO_MIGRATE: 'false' };

  async function unchanged(database, before) {
    assert.equal(firstDifference(await database.dumpText(), before), null, 'the database changed');
  }

  for (const phase of ['data', 'indexes']) {
    for (const cleanFirst of ['false', 'true']) {
      test(`the service, with kill -9, in phase ${phase} (cleanFirst=${cleanFirst})`, async () => {
        const database = await target();
        const before = await database.dumpText();
        const redis = haveRedis() ? await startRedis() : null;
        const start = (tempDir, dataDir) => Service.start({ dsn: database.dsn, redisUrl: redis?.url, tempDir, dataDir, env: { ...withoutMigrations, LOCK_TTL_MS: '4000' } });
        const service = await start();
        await importing(service, slow[phase], phase, { cleanFirst });
        // In the middle of a long statement, while the server reads nothing from us for a minute.
        const busy = phase === 'data' ? 'COPY .*slow_table|INSERT' : 'CREATE INDEX slow_index';
        await until('the slow statement', () => database.value(`
          SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND wait_event = 'PgSleep' AND query ~ '${busy}'`));
        assert.equal(service.tempFiles().length, 1);
        await service.stop('SIGKILL');
        await assertIdle(null, database, { withinMs: 5000 });
        await unchanged(database, before);
        // Its successor removes what it left, and can start an operation at once.
        const next = await start(service.tempDir, service.dataDir);
        await until('the sweep', () => next.tempFiles().length === 0, 5000);
        const { status, events } = await upload(next, { file: hubArchive });
        assert.equal(status, 200);
        assert.equal(lastEvent(events).type, 'complete');
        await assertIdle(next, database, { redis });
        await next.stop();
      });
    }
  }

  test('the service, with SIGTERM: it rolls back and leaves nothing', async () => {
    const database = await target();
    const before = await database.dumpText();
    const service = await Service.start({ dsn: database.dsn, env: withoutMigrations });
    await importing(service, slow.data, 'data');
    await service.stop('SIGTERM');
    await assertIdle(null, database);
    assert.deepEqual(service.tempFiles(), []);
    await unchanged(database, before);
  });

  for (const how of ['terminated', 'killed with SIGKILL, so that the whole server starts again']) {
    test(`the PostgreSQL backend, ${how}`, async () => {
      const database = await target();
      const before = await database.dumpText();
      const service = await Service.start({ dsn: database.dsn, env: withoutMigrations });
      const { events } = await importing(service, slow.data, 'data', { cleanFirst: 'true' });
      const pid = await until('the backend at work', () =>
        database.value(`SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND application_name = 'cch-data import' AND state = 'active'`));
      if (how === 'terminated') await database.exec(`SELECT pg_terminate_backend(${pid})`);
      else signal(Number(pid), 'SIGKILL');
      await events.ended.catch(() => {});
      assert.equal(lastEvent(events).type, 'error');
      assert.notEqual(lastEvent(events).exitCode, 0);
      await until('the server', () => database.value('SELECT 1').then(() => true, () => false), 20_000);
      await assertIdle(service, database);
      await unchanged(database, before);
      await service.stop();
    });
  }

  test('PostgreSQL itself, by an immediate shutdown', async () => {
    const database = await target();
    const before = await database.dumpText();
    const service = await Service.start({ dsn: database.dsn, env: withoutMigrations });
    const { events } = await importing(service, slow.indexes, 'indexes', { cleanFirst: 'true' });
    await server.stop('SIGQUIT');
    await events.ended.catch(() => {});
    assert.equal(lastEvent(events).type, 'error');
    assert.deepEqual(service.tempFiles(), []);
    assert.equal((await upload(service, { file: hubArchive })).status, 503);
    await server.start();
    await assertIdle(service, database);
    await unchanged(database, before);
    assert.equal(lastEvent((await upload(service, { file: hubArchive })).events).type, 'complete');
    await service.stop();
  });

  describe('Redis,', { skip: !haveRedis() && 'no Redis' }, () => {
    let database, redis, service, short;
    before(async () => {
      short = await slowArchive(server, dir, { phase: 'data', rows: 150 });
    });
    beforeEach(async () => {
      database = await target();
      redis = await startRedis();
      service = await Service.start({ dsn: database.dsn, redisUrl: redis.url, env: { ...withoutMigrations, LOCK_TTL_MS: '2000' } });
    });
    after(() => service?.stop());

    for (const [how, name] of [['stopped', 'SIGSTOP'], ['killed', 'SIGKILL']]) {
      test(`${how} for good: the import goes on under the database's lock, and completes`, async () => {
        const { events } = await importing(service, short, 'data');
        signal(redis.pid, name);
        await events.ended.catch(() => {});
        assert.equal(lastEvent(events).type, 'complete', JSON.stringify(lastEvent(events)));
        assert.equal(await database.count('slow_table'), 150);
        await assertIdle(service, database, { withinMs: 15_000 });
      });
    }

    test('the lock in it taken by another program: the import stops and rolls back before it commits', async () => {
      const before = await database.dumpText();
      const { events } = await importing(service, short, 'data');
      await redis.command('SET', 'database:backup:lock', 'somebody-else');
      await events.ended.catch(() => {});
      assert.equal(lastEvent(events).type, 'error');
      assert.equal(lastEvent(events).errorCode, 'backup.lock_lost');
      await assertIdle(service, database);
      await unchanged(database, before);
      assert.equal(await redis.command('GET', 'database:backup:lock'), 'somebody-else', 'what is another\'s stays');
    });

    test('while an operation lives the lock in it is renewed', async () => {
      const { events } = await importing(service, short, 'data');
      for (let i = 0; i < 8; i++) {
        await delay(500);
        assert.ok((await redis.command('PTTL', 'database:backup:lock')) > 0, 'the lock ran out');
      }
      await events.ended.catch(() => {});
      assert.equal(lastEvent(events).type, 'complete');
    });
  });

  for (const withRedis of [true, false]) {
    test(`two instances with ${withRedis ? 'one' : 'no'} Redis run one operation at a time`, { skip: withRedis && !haveRedis() && 'no Redis' }, async () => {
      const redis = withRedis ? await startRedis() : null;
      const database = await target();
      const start = () => Service.start({ dsn: database.dsn, redisUrl: redis?.url, env: withoutMigrations });
      const [one, two] = [await start(), await start()];
      const { events, request } = await importing(one, slow.data, 'data');
      const refused = await upload(two, { file: hubArchive });
      assert.equal(refused.status, 409);
      assert.equal(refused.body.holder.operation, 'import');
      assert.equal((await two.fetch('/api/admin/database/export')).status, 409);
      assert.equal((await two.status()).operation.running, true);
      request.destroy();
      await events.ended.catch(() => {});
      await assertIdle(one, database, { redis });
      // Ten concurrent requests: exactly those that were not refused ran, one after the other.
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => upload(i % 2 ? one : two, { file: hubArchive })));
      const statuses = answers.map(({ status }) => status);
      assert.ok(statuses.includes(200), String(statuses));
      assert.ok(statuses.every((status) => status === 200 || status === 409), String(statuses));
      for (const { status, events: got } of answers) if (status === 200) assert.equal(lastEvent(got).type, 'complete');
      assert.equal(await database.count('message_request'), 3000);
      await assertIdle(one, database, { redis });
      await one.stop();
      await two.stop();
    });
  }

  test('a temporary file of a dead owner goes at the next sweep, one in use stays', async () => {
    const database = await target();
    const service = await Service.start({ dsn: database.dsn, env: { ...withoutMigrations, TEMP_CLEANUP_INTERVAL: '1' } });
    const { request } = startUpload(service, { file: hubArchive, stallAfter: 0, stallMs: 30_000, chunkBytes: 8192 });
    const [inUse] = await until('the file', () => service.tempFiles().length === 1 && service.tempFiles());
    // Like a file after a crash: the same kind of name, and no lock.
    const dead = path.join(service.tempDir, inUse.replace(/.(?=\.dump$)/, (last) => (last === 'a' ? 'b' : 'a')));
    const other = path.join(service.tempDir, 'somebody-elses.dump');
    writeFileSync(dead, 'x');
    writeFileSync(other, 'x');
    await until('the sweep', () => !existsSync(dead), 5000);
    assert.ok(existsSync(path.join(service.tempDir, inUse)));
    assert.ok(existsSync(other));
    request.destroy();
    await service.stop();
  });
});
