// Peers that hang: the connection stays open, and nothing arrives. Every wait for them has a limit.

import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { slowArchive } from './support/archive.mjs';
import { atExit, isRunning, signal, temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { Proxy } from './support/proxy.mjs';
import { importOk } from './support/product.mjs';
import { until } from './support/run.mjs';
import { haveRedis, startPostgres, startRedis } from './support/servers.mjs';
import { Service, cli, haveBinary, startCli } from './support/service.mjs';

const dir = temporaryDirectory('hanging');
const LIMIT_MS = 10_000;

const longest = {};

async function within(limitMs, what, action) {
  const begin = Date.now();
  const result = await action();
  const ms = Date.now() - begin;
  longest[what] = Math.max(longest[what] ?? 0, ms);
  assert.ok(ms < limitMs, `${what} took ${ms} ms`);
  return result;
}

describe('hanging:', { skip: !haveBinary && 'no binary', concurrency: 3 }, () => {
  let server, slow, template, archive;

  before(async () => {
    server = await startPostgres();
    slow = await slowArchive(server, dir, { phase: 'data', rows: 1200 });
    const hub = await Database.create(server);
    await hub.execFile(fixture('hub-v05.sql'));
    archive = await hub.pgDump(path.join(dir, 'hub.dump'));
    template = hub.name;
  });

  const through = (proxy, database) => `postgresql://postgres@127.0.0.1:${proxy.port}/${database.name}`;
  const target = () => Database.create(server, { template });
  const sleeper = (database) => until('the slow statement', () => database.value(
    `SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND wait_event = 'PgSleep'`));

  test('a login, the health and SIGTERM, with a proxy that hangs', async () => {
    const database = await target();
    const proxy = await Proxy.start(server.port);
    const service = await Service.start({ dsn: through(proxy, database) });
    const login = () => service.fetch('/api/auth/login', {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: '' }, body: JSON.stringify({ key: 'sk-nobody' }),
    });
    assert.equal((await login()).status, 401);
    proxy.freeze();
    for (let i = 0; i < 2; i++) {
      const response = await within(5000, 'a login', login);
      assert.equal(response.status, 503, await response.text());
    }
    const health = await within(5000, 'the health', () => service.fetch('/api/health'));
    assert.equal(health.status, 503);
    await within(LIMIT_MS, 'the service, by SIGTERM', () => service.stop('SIGTERM'));
  });

  test('an import from the command line, with SIGTERM', async () => {
    const database = await target();
    const proxy = await Proxy.start(server.port);
    const run = startCli(['import', '--json', '--yes', slow], { dsn: through(proxy, database), env: { AUTO_MIGRATE: 'false' } });
    await sleeper(database);
    proxy.freeze();
    signal(run.pid, 'SIGTERM');
    const { code } = await within(LIMIT_MS, 'an import, by SIGTERM', () => run.ended);
    assert.equal(code, 130);
  });

  test('an import ends by itself when its lock can be asked no more', async () => {
    const database = await target();
    const proxy = await Proxy.start(server.port);
    const run = startCli(['import', '--json', '--yes', slow], { dsn: through(proxy, database), env: { AUTO_MIGRATE: 'false' } });
    await sleeper(database);
    proxy.freeze();
    const { code, stdout } = await within(30_000, 'an import, by the loss of its lock', () => run.ended);
    assert.equal(code, 7, stdout);
    assert.match(stdout, /backup\.lock_lost/);
  });

  test('an import whose backend hangs, with SIGTERM', async () => {
    const database = await target();
    const run = startCli(['import', '--json', '--yes', slow], { dsn: database.dsn, env: { AUTO_MIGRATE: 'false' } });
    const pid = Number(await sleeper(database));
    atExit(() => signal(pid, 'SIGCONT'));
    signal(pid, 'SIGSTOP');
    signal(run.pid, 'SIGTERM');
    const { code } = await within(LIMIT_MS, 'an import whose backend hangs, by SIGTERM', () => run.ended).finally(() => signal(pid, 'SIGCONT'));
    assert.equal(code, 130);
    await until('the end of the backend', () => !isRunning(pid));
  });

  test('an export whose client leaves, and the next SIGTERM', async () => {
    const database = await target();
    await database.exec("CREATE TABLE wide AS SELECT repeat(md5(i::text), 400) AS v FROM generate_series(1, 20000) AS i");
    const proxy = await Proxy.start(server.port);
    const service = await Service.start({ dsn: through(proxy, database), env: { AUTO_MIGRATE: 'false' } });
    const leaving = new AbortController();
    const response = await service.fetch('/api/admin/database/export?compression=none', { signal: leaving.signal });
    const reader = response.body.getReader();
    await reader.read();
    proxy.freeze();
    leaving.abort();
    await within(LIMIT_MS, 'an export whose client left, by SIGTERM', () => service.stop('SIGTERM'));
  });

  test('an export whose client stays and reads nothing ends, and lets the lock go', async () => {
    const database = await target();
    await database.exec("CREATE TABLE wide AS SELECT repeat(md5(i::text), 400) AS v FROM generate_series(1, 3000) AS i");
    const service = await Service.start({ dsn: database.dsn, env: { DOWNLOAD_IDLE_TIMEOUT: '2' } });
    for (const version of ['1.1', '1.0']) {
      const socket = net.connect(service.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.pause();
      socket.write(`GET /api/admin/database/export?compression=none HTTP/${version}\r\nHost: x\r\nAuthorization: Bearer ${service.token}\r\n\r\n`);
      await until('the lock', async () => (await service.status()).operation.running);
      await within(LIMIT_MS, 'an export whose client reads nothing for 2 s', () => until('the end of the lock', async () => !(await service.status()).operation.running));
      assert.match(service.log(), /path=\/api\/admin\/database\/export .*reason="the client took nothing for 2 seconds"/);
      socket.destroy();
    }
    await service.stop('SIGTERM');
  });

  test('a batch that waits for a row, with SIGTERM', async () => {
    const database = await target();
    const proxy = await Proxy.start(server.port);
    const other = database.session();
    await other.exec('BEGIN; LOCK TABLE users');
    const run = startCli(['batch', 'users', '--ids', '1', '--set', 'rpm=5', '--yes'], { dsn: through(proxy, database) });
    await until('the batch waits', () => database.value(
      `SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND wait_event_type = 'Lock'`));
    proxy.freeze();
    signal(run.pid, 'SIGTERM');
    await within(LIMIT_MS, 'a batch that waits for a row, by SIGTERM', () => run.ended);
    await other.close();
  });

  test('a COMMIT, with SIGTERM: what became of it is not known, and not claimed', async () => {
    const database = await target();
    await database.exec(`INSERT INTO users (name) VALUES ('u');
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`);
    const id = await database.value('SELECT max(id) FROM users');
    const proxy = await Proxy.start(server.port);
    const run = startCli(['batch', 'users', '--ids', id, '--set', 'rpm=5', '--yes'], { dsn: through(proxy, database) });
    await sleeper(database);
    proxy.freeze();
    signal(run.pid, 'SIGTERM');
    const { code, stderr } = await within(LIMIT_MS, 'a COMMIT, by SIGTERM', () => run.ended);
    assert.equal(code, 9, stderr);
  });

  test('the status, with a server that takes connections and says nothing', async () => {
    const database = await target();
    const proxy = await Proxy.start(server.port);
    const service = await Service.start({ dsn: through(proxy, database) });
    proxy.freeze();
    const status = await within(LIMIT_MS, 'the status', () => service.status());
    assert.equal(status.isAvailable, false);
    await service.stop('SIGTERM');
  });

  test('a server that takes connections and says nothing', async () => {
    const database = await target();
    const proxy = await Proxy.start(server.port);
    const dsn = through(proxy, database);
    await importOk(database, archive, { dsn, overwrite: true });
    proxy.freeze();
    for (const args of [['export', path.join(dir, 'never.dump')], ['import', '--yes', archive], ['import', '--undo', '--yes'],
      ['batch', 'users', '--ids', '1', '--set', 'rpm=5', '--yes']]) {
      const result = await within(15_000, `${args[0]}, of a server that says nothing`, () => cli(args, { dsn }));
      assert.equal(result.code, 4, result.stderr);
    }
  });

  test('a postmaster that hangs', async () => {
    const alone = await startPostgres();
    const database = await Database.create(alone);
    const { pid } = alone;
    atExit(() => signal(pid, 'SIGCONT'));
    signal(pid, 'SIGSTOP');
    const result = await within(15_000, 'an export, of a postmaster that hangs', () => cli(['export', path.join(dir, 'never.dump')], { dsn: database.dsn }));
    signal(pid, 'SIGCONT');
    assert.equal(result.code, 4, result.stderr);
  });

  test('Redis that hangs delays an export, and is told', { skip: !haveRedis() && 'no redis-server' }, async () => {
    const database = await target();
    const redis = await startRedis();
    signal(redis.pid, 'SIGSTOP');
    const result = await within(15_000, 'an export, with Redis that hangs', () =>
      cli(['export', '--json', path.join(dir, 'redis.dump')], { dsn: database.dsn, env: { REDIS_URL: redis.url } }));
    assert.equal(result.code, 0, result.stderr);
    assert.match(JSON.parse(result.stdout.trim().split('\n').at(-1)).warnings[0], /does not answer/);
  });

  after(() => console.log(Object.entries(longest).map(([what, ms]) => `${what}: ${(ms / 1000).toFixed(1)} s`).join('\n')));
});
