// Checks at the start, the log's two formats, and signals.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { atExit, endSync, isRunning, signal, temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { bearer, request } from './support/http.mjs';
import { run, until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, adminToken, binary, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('start');

// The pairs of one line of logfmt; throws on any other line.
function parseLogfmt(line) {
  const pairs = {};
  let rest = line;
  while (rest !== '') {
    const match = /^([a-z_]+)=(?:"((?:[^"\\\x00-\x1f]|\\.)*)"|([^\s"=\x00-\x1f]*))(?: |$)/.exec(rest);
    if (!match) throw new Error(`no logfmt at: ${rest}\nin: ${line}`);
    assert.ok(!(match[1] in pairs), `${match[1]} twice in ${line}`);
    pairs[match[1]] = match[2] ?? match[3];
    rest = rest.slice(match[0].length);
  }
  return pairs;
}

describe('the start and the log', { skip: !haveBinary && 'no binary' }, () => {
  let server, database;
  before(async () => {
    server = await startPostgres();
    database = await Database.create(server);
    await database.execFile(fixture('hub-v09.sql'));
  });

  test('--version has the version and the commit', async () => {
    const { code, stdout } = await cli(['--version']);
    assert.equal(code, 0);
    assert.match(stdout, /^cch-data \d+\.\d+\.\d+ \(([0-9a-f]{7,40}(-dirty)?|unknown)\)\n$/);
  });

  for (const [what, env] of [
    ['LISTEN_PORT', { LISTEN_PORT: '70000' }],
    ['LISTEN_ADDRESS', { LISTEN_ADDRESS: 'no such address' }],
    ['BASE_PATH', { BASE_PATH: 'cch/' }],
    ['BASE_PATH', { BASE_PATH: '/../cch' }],
    ['LOG_FORMAT', { LOG_FORMAT: 'xmlxml' }],
    ['TEMP_DIR', { TEMP_DIR: '/no/such/directory' }],
    ['Redis URL', { REDIS_URL: 'http://127.0.0.1/' }],
    ['PRICE_SYNC_URL', { PRICE_SYNC_URL: 'no address' }],
    ['MAX_UPLOAD_BYTES', { MAX_UPLOAD_BYTES: '-1' }],
    ['TRUST_PROXY', { TRUST_PROXY: 'perhaps' }],
    ['DSN', { DSN: 'postgresql://[::1/x' }],
  ]) {
    test(`a wrong ${what} (${Object.values(env)[0]}) ends the service before it is ready`, async () => {
      const result = await cli(['serve'], { dsn: database.dsn, timeoutMs: 20_000,
        env: { DATA_DIR: temporaryDirectory('wrong'), TEMP_DIR: dir, LISTEN_PORT: 0, PRICE_SYNC_INTERVAL: 0, ADMIN_TOKEN: adminToken, ...env } });
      assert.equal(result.code, 2, result.stdout + result.stderr);
      assert.match(result.stderr, new RegExp(`${what}|${Object.values(env)[0].replaceAll(/[^\w]/g, '.')}`, 'i'), result.stderr);
    });
  }

  for (const [format, parse] of [['logfmt', parseLogfmt], ['json', JSON.parse]]) {
    test(`every line of the log is valid ${format}, whatever is in it`, async () => {
      const service = await Service.start({ dsn: database.dsn, env: { LOG_FORMAT: format, LOG_LEVEL: 'debug' } });
      for (const target of ['/a"b\\c', '/%0a%00x', '/=;%22', `/${'x'.repeat(3000)}`, '/%ff', '/api/health'])
        await request(service, 'GET', target.replaceAll(/["\\]/g, encodeURIComponent));
      await request(service, 'POST', '/api/auth/login', { body: { key: 'a "quoted"\nkey \\ =' }, headers: { 'user-agent': 'a "b" \\' } });
      await until('the requests are logged', () => service.log().split('/api/auth/login').length > 1);
      signal(service.pid, 'SIGHUP');
      await service.stop();
      const lines = service.log().split('\n').filter((line) => format === 'json' ? line.startsWith('{') : /^[a-z_]+=/.test(line));
      assert.ok(lines.length >= 8, service.log());
      for (const line of lines) {
        const pairs = parse(line);
        assert.ok(Object.keys(pairs).length >= 3, line);
      }
      assert.ok(lines.every((line) => Object.values(parse(line)).every((value) => !String(value).includes('sk-'))));
      // Apart from the log, only messages for people are printed.
      assert.ok(service.log().split('\n').length - lines.length <= 6, service.log());
    });
  }

  test('SIGHUP does not end the service; SIGTERM does, with 0', async () => {
    const service = await Service.start({ dsn: database.dsn });
    signal(service.pid, 'SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(isRunning(service.pid));
    assert.equal((await service.fetch('/api/health/live')).status, 200);
    await service.stop();
    assert.equal(await until('the exit code', () => service.exitCode !== undefined && String(service.exitCode)), '0');
  });

  test('a service manager hears that it is ready, that it lives, and that it stops', async () => {
    const socket = path.join(temporaryDirectory('manager'), 'notify');
    // Node has no datagrams to a path.
    const manager = spawn('perl', ['-MIO::Socket::UNIX', '-e',
      '$| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]); print "here\\n"; print "$m\\n" while defined $s->recv($m, 999)', socket]);
    atExit(() => endSync(manager.pid, 'SIGKILL'));
    let heard = '';
    manager.stdout.setEncoding('utf8').on('data', (text) => (heard += text));
    await until('the manager', () => heard !== '');
    const service = await Service.start({ dsn: database.dsn, env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' } });
    await until('signs of life', () => heard.split('WATCHDOG=1').length > 4, 5000);
    await service.stop();
    await until('the end', () => heard.endsWith('STOPPING=1\n'));
    assert.match(heard, /^here\nREADY=1\n(WATCHDOG=1\n)+STOPPING=1\n$/);
    manager.kill();
  });

  test('a database of a newer version is refused and not changed; the way back of docs/operations.md keeps its jobs', async () => {
    const document = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const [before, back] = ['pg_dump -Fc -n cch_data', "psql -c 'DROP SCHEMA cch_data"].map((begin) =>
      document.split('```sh\n').map((block) => block.split('```')[0]).find((block) => block.startsWith(begin)));
    const sh = async (commands) => {
      const { code, stderr } = await run('sh', ['-ec', commands], { env: database.env, cwd: dir });
      assert.equal(code, 0, stderr);
    };
    const serve = () => cli(['serve'], { dsn: database.dsn, timeoutMs: 20_000,
      env: { DATA_DIR: temporaryDirectory('newer'), TEMP_DIR: dir, LISTEN_PORT: 0, PRICE_SYNC_INTERVAL: 0, ADMIN_TOKEN: adminToken } });
    const everything = () => database.dumpText('--schema=cch_data');
    assert.equal((await cli(['migrate'], { dsn: database.dsn })).code, 0);
    await database.exec(`UPDATE cch_data.backup_jobs SET settings = settings || '{"schedule": "7 7 * * *"}'`);
    const kept = await everything();
    await sh(before);
    await database.exec(`CREATE TABLE cch_data.later (id integer);
      INSERT INTO cch_data.migrations (series, number, name, sha256) VALUES ('own', 99, 'later', 'x')`);
    const newer = await everything();
    const { code, stderr } = await serve();
    assert.equal(code, 3, stderr);
    assert.match(stderr, /migration own 99, version \d+\.\d+\.\d+ of cch-data knows them up to own \d+/);
    assert.equal(firstDifference(await everything(), newer), null);
    await sh(back);
    assert.equal(firstDifference(await everything(), kept), null);
    const service = await Service.start({ dsn: database.dsn });
    await until('the migration', () => service.log().includes('event=migrated'));
    await service.stop();
  });

  test('a command whose output cannot be written fails', async () => {
    const archive = await database.pgDump(path.join(dir, 'full.dump'));
    for (const command of ['--version', '--help', 'export --help', 'prices list', 'prices list --json', 'prices export', 'export -',
      `export --json ${path.join(dir, 'out.dump')}`, `inspect ${archive}`, `inspect --json ${archive}`, `verify ${archive}`, `import --dry-run ${archive}`,
      `import --dry-run --json ${archive}`, `import --yes --json ${archive}`, 'batch users --ids 1 --set rpm=7 --yes --json', 'migrate']) {
      const { code, stderr } = await run('sh', ['-c', `"${binary}" ${command} >/dev/full`],
        { onlyEnv: { PATH: process.env.PATH, HOME: dir, LANG: 'C.UTF-8', DSN: database.dsn, TEMP_DIR: dir } });
      assert.notEqual(code, 0, `${command}: ${stderr}`);
      assert.notEqual(stderr, '', command);
    }
  });

  test('a short ADMIN_TOKEN, and change-me, are told at the start; change-me lets nobody in', async () => {
    for (const [token, told] of [['change-me', /event="ADMIN_TOKEN is change-me"/], ['short', /event="ADMIN_TOKEN is short"/]]) {
      const service = await Service.start({ dsn: database.dsn, token });
      assert.match(service.log(), told);
      assert.equal((await service.fetch('/api/admin/database/operations')).status, token === 'short' ? 200 : 401);
      await service.stop();
    }
    const service = await Service.start({ dsn: database.dsn });
    assert.doesNotMatch(service.log(), /ADMIN_TOKEN is/);
    await service.stop();
  });

  test('below a path: by BASE_PATH, or by X-Forwarded-Prefix of a trusted proxy, whether it strips the path or not', async () => {
    const by = {
      option: await Service.start({ dsn: database.dsn, env: { BASE_PATH: '/cch' } }),
      proxy: await Service.start({ dsn: database.dsn, env: { TRUST_PROXY: 'true' } }),
      nobody: await Service.start({ dsn: database.dsn }),
    };
    for (const [name, service] of Object.entries(by)) {
      const base = name === 'nobody' ? '' : '/cch';
      const prefix = name === 'option' ? {} : { 'x-forwarded-prefix': '/cch' };
      for (const way of name === 'nobody' ? [''] : ['', '/cch']) {
        const headers = { ...bearer(adminToken), ...prefix };
        assert.equal((await request(service, 'GET', `${way}/api/admin/database/operations`, { headers })).status, 200, `${name} ${way}`);
        const login = await request(service, 'POST', `${way}/api/auth/login`, { headers: prefix, body: { key: adminToken } });
        assert.equal(login.status, 200);
        assert.match(login.headers['set-cookie'][0], new RegExp(`; Path=${base}/(;|$)`, 'i'));
        const upload = await request(service, 'POST', `${way}/api/admin/database/uploads`,
          { headers: { ...headers, 'tus-resumable': '1.0.0', 'upload-length': '10', 'upload-metadata': 'filename YS5kdW1w' } });
        assert.equal(upload.status, 201, upload.text);
        assert.match(upload.headers.location, new RegExp(`^${base}/api/admin/database/uploads/\\w`));
      }
    }
    for (const wrong of ['//evil.example', '/a/../b', '/<script>', 'https://evil.example']) {
      const login = await request(by.proxy, 'POST', '/api/auth/login', { headers: { 'x-forwarded-prefix': wrong }, body: { key: adminToken } });
      assert.match(login.headers['set-cookie'][0], /; Path=\/(;|$)/i, wrong);
    }
    for (const service of Object.values(by)) await service.stop();
  });
});
