// Beside a hub: nothing that we do keeps it from starting, and nothing that it needs goes.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { createHub, startHub } from './support/hub.mjs';
import { importOk } from './support/product.mjs';
import { haveRedis, startPostgres, startRedis } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { until } from './support/run.mjs';

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
    // Even where we had made the hub's tables before.
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
      assert.equal(health.status, 200, await health.clone().text());
      assert.equal((await health.json())['1'].circuitState, 'open');
      const reset = await service.fetch('/api/v1/providers/circuits:batchReset', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ providerIds: [1] }),
      });
      assert.equal((await reset.json()).resetCount, 1);
    }
    await service.stop();
  });
});
