// The export over HTTP: its response, its refusals, and misbehaving clients.

import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { signal, temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { bearer, request } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { exportOverHttp } from './support/product.mjs';
import { run, runOk, until } from './support/run.mjs';
import { freePort, startPostgres, startRedis, haveRedis } from './support/servers.mjs';
import { Service, adminToken, cli, haveBinary, isSanitized, peakRssBytes } from './support/service.mjs';

const commandLine = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};
const EXPORT = '/api/admin/database/export';
const dir = temporaryDirectory('export');

describe('an export', { skip: !haveBinary && 'no binary' }, () => {
  let server, redis, hub, big, service, bigService;

  before(async () => {
    server = await startPostgres();
    if (haveRedis()) redis = await startRedis();
    hub = await Database.create(server);
    await hub.execFile(fixture('hub-v09.sql'));
    // Incompressible rows, more than all buffers on the way hold.
    big = await Database.create(server);
    await big.exec(`CREATE EXTENSION pgcrypto; CREATE TABLE noise AS SELECT i, gen_random_bytes(1000) AS b FROM generate_series(1, 120000) AS i`);
    service = await Service.start({ dsn: hub.dsn, redisUrl: redis?.url, env: { TZ: 'Asia/Shanghai' } });
    bigService = await Service.start({ dsn: big.dsn, redisUrl: redis?.url, env: { AUTO_MIGRATE: 'false' } });
  });

  const get = (query = '', headers = {}, from = service) => request(from, 'GET', EXPORT + query, { headers: { ...bearer(adminToken), ...headers } });

  // The pg_dump that writes the table of contents (not one that prints its version).
  const dumping = (from) => until('pg_dump', () => from.children().find(({ name, pid }) => name === 'pg_dump' && commandLine(pid).includes('--format')));

  // A raw connection that requests an export and reads only on demand.
  function rawExport(from) {
    const socket = net.connect(from.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    socket.write(`GET ${EXPORT} HTTP/1.1\r\nHost: 127.0.0.1:${from.port}\r\nAuthorization: Bearer ${adminToken}\r\n\r\n`);
    return socket;
  }

  test('is a chunked stream with the name, type and headers of the specification', async () => {
    for (const [query, pattern] of [
      ['', /^attachment; filename="backup_(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2})\.dump"$/],
      ['?excludeLogs=false', /^attachment; filename="backup_([^_]*)\.dump"$/],
      ['?mode=full', /^attachment; filename="backup_([^_]*)\.dump"$/],
      ['?excludeLogs=true', /^attachment; filename="backup_([^_]*)_no-logs\.dump"$/],
      ['?mode=excludeLogs', /^attachment; filename="backup_([^_]*)_no-logs\.dump"$/],
    ]) {
      const file = path.join(dir, 'a.dump');
      const headers = await exportOverHttp(service, file, query);
      assert.equal(headers.get('content-type'), 'application/octet-stream');
      assert.equal(headers.get('content-length'), null);
      assert.match(headers.get('cache-control'), /no-cache/);
      const [, time] = pattern.exec(headers.get('content-disposition')) ?? assert.fail(headers.get('content-disposition'));
      const utc = Date.parse(time.replace(/T(\d\d)-(\d\d)-(\d\d)/, 'T$1:$2:$3Z'));
      assert.ok(Math.abs(utc - Date.now()) < 20_000, `${time} is not now in UTC`);
      const { stdout } = await runOk('pg_restore', ['-l', file]);
      assert.match(stdout, / TABLE public message_request /);
      assert.equal(/ TABLE DATA public message_request /.test(stdout), !query.endsWith('true') && query !== '?mode=excludeLogs');
      assert.match(stdout, / TABLE DATA public usage_ledger /);
      assert.equal((await cli(['verify', file])).code, 0);
    }
  });

  test('is compressed', async () => {
    const file = path.join(dir, 'compressed.dump');
    await exportOverHttp(service, file);
    const header = Buffer.alloc(16);
    const fd = openSync(file, 'r');
    readSync(fd, header, 0, 16, 0);
    closeSync(fd);
    assert.equal(header.toString('latin1', 0, 5), 'PGDMP');
    assert.match((await runOk('pg_restore', ['-l', file])).stdout, /Compression: (?!0\b|none)/);
  });

  test('with a parameter that it does not understand is 400, never silently a full export', async () => {
    for (const query of ['?excludeLogs=1', '?excludeLogs=yes', '?excludeLogs=TRUE', '?excludeLogs=', '?excludeLogs', '?mode=ledgeronly', '?mode=',
      '?mode=Full', '?excludelogs=true', '?excludeLogs=true&excludeLogs=false', '?mode=full&excludeLogs=true', '?format=plain']) {
      const { status, body } = await get(query);
      assert.equal(status, 400, query);
      assert.equal(body.errorCode, 'request.validation_failed', query);
    }
    assert.equal((await request(service, 'POST', EXPORT, { headers: bearer(adminToken) })).status, 405);
  });

  describe('is a JSON error before its first byte', () => {
    async function failing(options, status, errorCode) {
      const own = await Service.start({ env: { AUTO_MIGRATE: 'false' }, ...options });
      const answer = await get('', {}, own);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.errorCode, errorCode);
      assert.match(answer.headers['content-type'], /^application\/json/);
      assert.equal(answer.headers['content-disposition'], undefined);
      const english = await get('', { 'accept-language': 'en' }, own);
      assert.notEqual(english.body.error, answer.body.error);
      await own.stop();
      return answer.body;
    }

    test('when the database is away', async () => {
      const body = await failing({ dsn: `postgresql://postgres@127.0.0.1:${await freePort()}/x` }, 503, 'database.unavailable');
      assert.equal(body.error, '数据库连接不可用，请检查数据库服务状态');
    });

    test('when the database does not exist', () => failing({ dsn: server.dsn('no_such') }, 503, 'database.missing'));

    test('when the login is refused', async () => {
      await hub.exec(`DO $$ BEGIN CREATE ROLE with_password LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
      const body = await failing({ dsn: server.tcpDsn(hub.name, 'with_password', 'sesame') }, 503, 'database.authentication_failed');
      assert.ok(!JSON.stringify(body).includes('sesame'));
    });

    test('when a permission is missing, naming it', async () => {
      await hub.exec(`DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO reader; GRANT USAGE ON SCHEMA drizzle TO reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA drizzle TO reader; GRANT SELECT ON ALL SEQUENCES IN SCHEMA drizzle TO reader; REVOKE SELECT ON users FROM reader`);
      const body = await failing({ dsn: server.dsn(hub.name, 'reader') }, 500, 'database.permission_denied');
      assert.match(body.details, /public\.users\b/);
    });

    test('when there is no pg_dump', async () => {
      const empty = path.join(dir, 'empty');
      mkdirSync(empty, { recursive: true });
      await failing({ dsn: hub.dsn, env: { AUTO_MIGRATE: 'false', PG_BIN_DIR: empty } }, 500, 'export.pg_dump_unusable');
    });

    test('when another session keeps a table locked for too long it is still no archive', async () => {
      const session = hub.session();
      await session.exec('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
      const call = get();
      assert.equal(await Promise.race([call.then(() => 'answered'), delay(1500).then(() => 'waiting')]), 'waiting');
      await session.exec('ROLLBACK');
      await session.close();
      assert.equal((await call).status, 200);
    });
  });

  test('excludes another one, with the words of the specification, and says who holds the lock', async () => {
    const socket = rawExport(bigService);
    await until('the export', async () => (await bigService.status()).operation.running);
    const { operation } = await bigService.status();
    assert.equal(operation.operation, 'export');
    assert.ok(operation.holder);
    assert.ok(Math.abs(Date.parse(operation.since) - Date.now()) < 20_000);
    const answer = await get('', {}, bigService);
    assert.equal(answer.status, 409);
    assert.equal(answer.body.error, '其他管理员正在执行备份操作,请稍后重试');
    assert.equal(answer.body.details, '为确保数据一致性,同一时间只能执行一个备份操作');
    assert.equal(answer.body.holder.operation, 'export');
    assert.ok(answer.body.holder.since);
    if (redis) {
      // The key is also the hub's, and lives for five minutes.
      const life = await redis.command('PTTL', 'database:backup:lock');
      assert.ok(life > 200_000 && life <= 300_000, `${life} ms`);
      assert.equal((await get()).status, 409, 'another instance with the same Redis');
    }
    const direct = await cli(['export', path.join(dir, 'never.dump')], { dsn: big.dsn });
    assert.equal(direct.code, 5, direct.stderr);
    socket.destroy();
    await assertIdle(bigService, big, { redis });
  });

  test('of a client that goes away ends its queries and the lock within two seconds', async () => {
    const socket = rawExport(bigService);
    await until('its backend', async () => (await big.backends()).some(([, , , query]) => query.startsWith('COPY')));
    socket.destroy();
    await assertIdle(bigService, big, { redis, withinMs: 2000 });
    const again = rawExport(bigService);
    await until('the first bytes', () => new Promise((resolve) => again.once('readable', () => resolve(true))));
    assert.match(String(again.read(12)), /^HTTP\/1\.1 200/);
    again.destroy();
    await assertIdle(bigService, big, { redis, withinMs: 2000 });
  });

  test('to a client that stalls costs no memory, and goes on when the client does', async () => {
    const received = await new Promise((resolve, reject) => {
      const call = http.get({ host: '127.0.0.1', port: bigService.port, path: EXPORT, agent: false, headers: bearer(adminToken) });
      call.on('error', reject);
      call.on('response', async (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.pause();
        await delay(4000);
        if (!isSanitized) {
          const peak = peakRssBytes(bigService.pid);
          if (peak > 64 * 1024 * 1024) reject(new Error(`${peak} bytes resident`));
        }
        let n = 0;
        response.on('data', (chunk) => (n += chunk.length));
        response.on('end', () => resolve(n));
        response.on('error', reject);
        response.resume();
      });
    });
    assert.ok(received > 100_000_000, `${received} bytes`);
    await assertIdle(bigService, big, { redis });
  });

  // Ends the sessions that copy rows.
  const endCopies = (of) => of.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${of.name}' AND query LIKE 'COPY%' AND pid <> pg_backend_pid()`);

  for (const [client, option] of [['', '--http1.1'], [' to an HTTP/1.0 client, which knows no chunks,', '--http1.0']]) {
    test(`whose backend is ended in the middle${client} breaks off so that curl does not take it for whole`, async () => {
      const file = path.join(dir, `broken${option}.dump`);
      const curl = run('curl', ['-sS', option, '--limit-rate', '5M', '-o', file, '-H', `Authorization: Bearer ${adminToken}`, bigService.url + EXPORT]);
      await until('the first bytes', () => existsSync(file) && statSync(file).size > 0);
      await endCopies(big);
      const { code, stderr } = await curl;
      assert.ok([18, 56].includes(code), `curl: ${code} ${stderr}`);
      assert.equal((await cli(['verify', file])).code, 3);
      await assertIdle(bigService, big, { redis });
    });
  }

  test('does not show the password to other processes', async () => {
    await hub.exec(`DO $$ BEGIN CREATE ROLE with_password LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; ALTER ROLE with_password SUPERUSER PASSWORD 's3same-street'`);
    const own = await Service.start({ dsn: server.tcpDsn(big.name, 'with_password', 's3same-street'), env: { AUTO_MIGRATE: 'false' } });
    const socket = rawExport(own);
    const { pid } = await dumping(own);
    assert.ok(!commandLine(pid).includes('s3same-street'));
    socket.destroy();
    await assertIdle(own, big);
    assert.ok(!own.log().includes('s3same-street'));
    await own.stop();
  });
});
