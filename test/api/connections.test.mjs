// Connections to the database and Redis: connection strings, poolers, TLS, rights in Redis.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { before, describe, test } from 'node:test';
import { signal, temporaryDirectory } from './support/cleanup.mjs';
import { makeCertificates, startPgbouncer, startRedisWith, useCertificates } from './support/connections.mjs';
import { Database, fixture } from './support/database.mjs';
import { importByCli } from './support/product.mjs';
import { run, runOk, until } from './support/run.mjs';
import { freePort, haveRedis, startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('connections');
const file = (name) => path.join(dir, name);
let n = 0;
const exportBy = (dsn, env = {}) => cli(['export', '--json', file(`e${++n}.dump`)], { dsn, env });

describe('connections:', { skip: !haveBinary && 'no binary' }, () => {
  let server, hub, certificates;

  before(async () => {
    server = await startPostgres({ config: 'ssl = off' });
    certificates = await makeCertificates();
    useCertificates(server, certificates);
    hub = await Database.create(server);
    await hub.execFile(fixture('hub-v05.sql'));
    await hub.exec("ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf(); CREATE ROLE with_password SUPERUSER LOGIN PASSWORD 'right'");
  });

  test('a raw password is in no message, log or status', async () => {
    const parts = /geh|eim|Wort/;
    for (const raw of ['geheim/Wort', 'geh@eim3Wort', 'geh%eimWort', '12/Wort', 'geh@eim/Wort']) {
      const dsn = `postgresql://with_password:${raw}@127.0.0.1:${server.port}/${hub.name}`;
      const result = await exportBy(dsn);
      assert.equal(result.code, 2, result.stderr);
      assert.doesNotMatch(result.stdout + result.stderr, parts);
      assert.match(result.stderr, /@ as %40.*% as %25.*\/ as %2F/);
      const flag = await cli(['export', `--dsn=${dsn}`, file('never.dump')]);
      assert.doesNotMatch(flag.stdout + flag.stderr, parts);
      await assert.rejects(Service.start({ dsn }), (error) => {
        assert.match(error.message, /the service ended/);
        assert.doesNotMatch(error.message, parts);
        return true;
      });
    }
    for (const url of ['redis://:geheim/Wort@127.0.0.1:1', 'redis://:geh#eim@127.0.0.1', 'redis://:12#eim@127.0.0.1']) {
      const result = await exportBy(hub.dsn, { REDIS_URL: url });
      assert.equal(result.code, 2, result.stderr);
      assert.doesNotMatch(result.stdout + result.stderr, parts);
      assert.match(result.stderr, /@ as %40/);
    }
  });

  test("parameters of other drivers are passed over with one warning, or refused by name", async () => {
    const address = `127.0.0.1:${server.port}/${hub.name}`;
    const good = [
      `postgresql://postgres@${address}?schema=public&pgbouncer=true&connection_limit=5&pool_timeout=10`,
      `postgresql://postgres@${address}?sslmode=no-verify&uselibpqcompat=true&max=10&idle_timeout=20&prepare=false`,
      `postgresql+asyncpg://postgres@${address}?prepared_statement_cache_size=0`,
      `jdbc:postgresql://${address}?user=postgres&currentSchema=public&prepareThreshold=0`,
      `  "POSTGRESQL://postgres@${address}?timezone=UTC&statement_timeout=5000" `,
      `host=127.0.0.1 port=${server.port} user=postgres dbname=${hub.name} TimeZone=Asia/Shanghai`,
    ];
    for (const dsn of good) {
      const result = await exportBy(dsn);
      assert.equal(result.code, 0, `${dsn}: ${result.stderr}`);
      assert.equal(result.stderr.match(/parameters passed over/g)?.length, 1, result.stderr);
    }
    for (const parameter of ['schema=other', 'search_path=other', 'role=reader', 'default_transaction_read_only=on']) {
      const result = await exportBy(`postgresql://postgres@${address}?${parameter}`);
      assert.equal(result.code, 2, result.stderr);
      assert.match(result.stderr, new RegExp(`parameter ${parameter.split('=')[0]}:`));
    }
  });

  test("verify-full uses the system's authorities", async () => {
    const base = `postgresql://postgres@localhost:${server.port}/${hub.name}?sslmode=verify-full`;
    const env = { SSL_CERT_FILE: certificates.ca, HOME: dir };
    for (const more of ['', '&sslrootcert=system', `&sslrootcert=${encodeURIComponent(certificates.ca)}`]) {
      const result = await exportBy(base + more, env);
      assert.equal(result.code, 0, `${more}: ${result.stderr}`);
    }
    const other = await exportBy(base, { HOME: dir });
    assert.equal(other.code, 4, other.stderr);
    assert.match(other.stderr, /certificate verify failed/);
  });

  for (const mode of ['transaction', 'statement']) {
    test(`${mode} pooling is found out before anything is set, and nothing is left in the pool`, async () => {
      const pooler = await startPgbouncer(server, mode, { poolSize: 3 });
      const dsn = pooler.dsn(hub.name);
      const archive = await hub.pgDump(file(`pool-${mode}.dump`));
      const busy = mode === 'transaction';
      const done = { is: false };
      const others = busy ? (async () => {
        while (!done.is) await run('psql', ['-X', '-c', 'SELECT pg_sleep(0.01)', dsn]);
      })() : null;
      try {
        for (const result of [
          await exportBy(dsn),
          await importByCli(hub, archive, { dsn }),
          await cli(['batch', 'users', '--ids', '1', '--set', 'rpm=5', '--yes'], { dsn }),
        ]) {
          assert.equal(result.code, 2, JSON.stringify(result));
          assert.match(result.stderr + JSON.stringify(result.last ?? ''), /direct address|直接地址/);
        }
      } finally {
        done.is = true;
        await others;
      }
      for (let i = 0; i < 6; i++) {
        const { stdout } = await runOk('psql', ['-X', '-A', '-t', '-c', 'SHOW search_path', '-c', 'SELECT count(*) >= 0 FROM users', dsn]);
        assert.equal(stdout.trim(), '"$user", public\nt');
      }
      assert.equal(await hub.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0');
    });
  }

  test('the running service refuses transaction pooling, too', async () => {
    const pooler = await startPgbouncer(server, 'transaction');
    const service = await Service.start({ dsn: pooler.dsn(hub.name), env: { AUTO_MIGRATE: 'false' } });
    const response = await service.fetch('/api/admin/database/export');
    assert.equal(response.status, 503);
    assert.equal((await response.json()).errorCode, 'database.transaction_pooling');
    await service.stop();
  });

  test('session pooling works', async () => {
    const pooler = await startPgbouncer(server, 'session', { poolSize: 20 });
    const target = await Database.create(server);
    const result = await exportBy(pooler.dsn(hub.name));
    assert.equal(result.code, 0, result.stderr);
    const imported = await importByCli(target, file(`e${n}.dump`), { dsn: pooler.dsn(target.name), overwrite: true, args: ['--method', 'transaction'] });
    assert.equal(imported.last.type, 'complete', JSON.stringify(imported.last));
    assert.equal(await target.count('users'), await hub.count('users'));
  });
});

describe('Redis:', { skip: (!haveBinary && 'no binary') || (!haveRedis() && 'no redis-server') }, () => {
  let server, hub, certificates;

  before(async () => {
    server = await startPostgres();
    certificates = await makeCertificates();
    hub = await Database.create(server);
    await hub.execFile(fixture('hub-v05.sql'));
  });

  const complete = (result) => {
    assert.equal(result.code, 0, result.stderr);
    return JSON.parse(result.stdout.trim().split('\n').at(-1));
  };

  test('TLS is checked by the authority that is named, for the name that is given', async () => {
    const redis = await startRedisWith(['--requirepass', 'pw', '--bind', '127.0.0.1', '127.0.0.2'], { tls: certificates, user: 'default:pw@' });
    const trusted = { REDIS_URL: redis.url, REDIS_CA_FILE: certificates.ca };
    assert.equal(complete(await exportBy(hub.dsn, trusted)).warnings, undefined);
    assert.equal(complete(await exportBy(hub.dsn, { REDIS_URL: redis.url, SSL_CERT_FILE: certificates.ca })).warnings, undefined);
    assert.equal(complete(await exportBy(hub.dsn, { REDIS_URL: redis.url, REDIS_TLS_REJECT_UNAUTHORIZED: 'false' })).warnings, undefined);
    for (const env of [{ REDIS_URL: redis.url }, { ...trusted, REDIS_URL: redis.url.replace('127.0.0.1', '127.0.0.2') }]) {
      const refused = await exportBy(hub.dsn, env);
      assert.equal(refused.code, 4, refused.stderr);
      assert.match(refused.stderr, /certificate is not trusted/);
    }
    const service = await Service.start({ dsn: hub.dsn, redisUrl: redis.url, env: { REDIS_CA_FILE: certificates.ca } });
    assert.deepEqual((await service.status()).redis, { configured: true, available: true });
    await service.stop();
  });

  test("the server's name is sent along (SNI)", async () => {
    const names = [];
    const listener = tls.createServer(
      { key: readFileSync(certificates.key), cert: readFileSync(certificates.cert) },
      (socket) => { names.push(socket.servername); socket.destroy(); },
    );
    listener.on('tlsClientError', () => {});
    await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
    await exportBy(hub.dsn, { REDIS_URL: `rediss://localhost:${listener.address().port}`, REDIS_CA_FILE: certificates.ca });
    listener.close();
    assert.equal(names[0], 'localhost');
  });

  test('a wrong address of Redis ends the service before it is ready', async () => {
    for (const url of ['http://127.0.0.1', 'redis://127.0.0.1/one', 'rediss://127.0.0.1?tls_ca_file=/nonexistent']) {
      await assert.rejects(Service.start({ dsn: hub.dsn, redisUrl: url }), /the service ended/);
    }
  });

  test('what refuses is not away: nothing is begun, and the reason is told', async () => {
    const redis = await startRedisWith(['--requirepass', 'pw']);
    const at = (user) => `redis://${user}@127.0.0.1:${redis.port}/0`;
    const command = (...words) => runOk('redis-cli', ['-p', String(redis.port), '-a', 'pw', '--no-auth-warning', ...words]);
    await command('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '+@all', '-select');
    await command('ACL', 'SETUSER', 'nokeys', 'on', '>pw', '+@all');
    await command('ACL', 'SETUSER', 'few', 'on', '>pw', '~*', '+get', '+ping');
    const replica = await startRedisWith(['--replicaof', '127.0.0.1', String(redis.port), '--masterauth', 'pw']);
    const full = await startRedisWith(['--maxmemory', '1']);
    const lonely = await startRedisWith(['--min-replicas-to-write', '1']);
    // Without its directory a save fails, and Redis then refuses writes.
    const unsaved = await startRedisWith(['--save', '3600 1']);
    const toUnsaved = (...words) => runOk('redis-cli', ['-p', String(unsaved.port), ...words]).then(({ stdout }) => stdout);
    rmSync((await toUnsaved('CONFIG', 'GET', 'dir')).trim().split('\n').at(-1), { recursive: true });
    await toUnsaved('SET', 'a', '1');
    await toUnsaved('BGSAVE');
    await until('a save has failed', async () => /rdb_last_bgsave_status:err/.test(await toUnsaved('INFO', 'persistence')));
    assert.equal(complete(await exportBy(hub.dsn, { REDIS_URL: at('plain:pw') })).warnings, undefined);
    const archive = await hub.pgDump(file('refused.dump'));
    const cases = [
      [at('default:wrong'), /WRONGPASS/], [at('nokeys:pw'), /NOPERM|permissions/], [at('few:pw'), /NOPERM|permissions/],
      [replica.url, /READONLY/], [full.url, /OOM/], [lonely.url, /NOREPLICAS/], [unsaved.url, /MISCONF/],
    ];
    for (const [url, reason] of cases) {
      const exported = await exportBy(hub.dsn, { REDIS_URL: url });
      assert.equal(exported.code, 4, `${reason}: ${exported.stderr}`);
      assert.match(exported.stderr, reason);
      const imported = await importByCli(hub, archive, { env: { REDIS_URL: url } });
      assert.equal(imported.code, 4, imported.stderr);
    }
    const service = await Service.start({ dsn: hub.dsn, redisUrl: at('nokeys:pw'), env: { AUTO_MIGRATE: 'false' } });
    const { redis: state } = await service.status();
    assert.deepEqual([state.configured, state.available, state.errorCode], [true, false, 'redis.refused']);
    assert.match(state.reason, /permissions/);
    const health = await (await service.fetch('/api/health')).json();
    assert.deepEqual([health.status, health.components.redis.errorCode], ['degraded', 'redis.refused']);
    const response = await service.fetch('/api/admin/database/export', { headers: { 'accept-language': 'zh-CN' } });
    assert.equal(response.status, 503);
    const body = await response.json();
    assert.equal(body.errorCode, 'redis.refused');
    assert.match(body.error, /Redis 拒绝/);
    await service.stop();
  });

  test('what is away is made up for by the other locks, and told', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    assert.match(complete(await exportBy(hub.dsn, { REDIS_URL: url })).warnings[0], /Redis/);
    const target = await Database.create(server);
    const imported = await importByCli(target, file(`e${n}.dump`), { env: { REDIS_URL: url } });
    assert.equal(imported.last.type, 'complete', JSON.stringify(imported.last));
    assert.equal(imported.events.filter((event) => event.warning && /Redis.*(lock|锁)/.test(event.message)).length, 1);
    const service = await Service.start({ dsn: hub.dsn, redisUrl: url, env: { AUTO_MIGRATE: 'false' } });
    const response = await service.fetch('/api/admin/database/export');
    assert.equal(response.headers.get('x-lock-warning'), 'redis.unavailable');
    await response.arrayBuffer();
    assert.equal((await service.status()).redis.errorCode, 'redis.unavailable');
    await service.stop();
  });

  test('Sentinels lead to the master, and to the next one', async () => {
    const master = await startRedisWith([]);
    const replica = await startRedisWith(['--replicaof', '127.0.0.1', String(master.port)]);
    const config = file('sentinel.conf');
    writeFileSync(config, `sentinel monitor hub 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds hub 500\nsentinel failover-timeout hub 2000\n`);
    const sentinel = await startRedisWith([], { config });
    const cli = (port, ...words) => runOk('redis-cli', ['-p', String(port), ...words]).then(({ stdout }) => stdout);
    await until('the replica is known', async () => /slaves=1/.test(await cli(sentinel.port, 'INFO', 'sentinel')), 20_000, 200);
    await until('the replica is in step', async () => /master_link_status:up/.test(await cli(replica.port, 'INFO', 'replication')), 20_000, 200);
    const env = { REDIS_URL: `redis+sentinel://127.0.0.1:${await freePort()},127.0.0.1:${sentinel.port}/hub/0` };
    assert.equal(complete(await exportBy(hub.dsn, env)).warnings, undefined);
    signal(master.pid, 'SIGKILL');
    await until('the failover', async () => (await cli(replica.port, 'ROLE')).startsWith('master'), 30_000, 200);
    await until('an export with the lock at the new master', async () =>
      complete(await exportBy(hub.dsn, env)).warnings === undefined, 20_000, 500);
  });
});
