// `serve` without a DSN: a private cluster that persists, and nothing left behind.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { fixture } from './support/database.mjs';
import { request } from './support/http.mjs';
import { run, runOk, until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Database } from './support/database.mjs';
import { exportOverHttp } from './support/product.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { lastEvent } from './support/sse.mjs';
import { upload } from './support/upload.mjs';

// Processes with a directory in their arguments.
function processesOf(directory) {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
    } catch {
      return false;
    }
  });
}

describe('serve without a DSN', { skip: !haveBinary && 'no binary' }, () => {
  const dataDir = temporaryDirectory('own');
  const start = (options = {}) => Service.start({ dataDir, token: undefined, ...options });
  // Without ADMIN_TOKEN, the token is in a file.
  const adopt = (service) => {
    service.token = readFileSync(path.join(dataDir, 'admin-token'), 'utf8').trim();
    return service;
  };
  let token;

  test('makes a cluster with the hub\'s tables, and a token that it shows once and keeps 0600', async () => {
    const service = adopt(await Service.start({ dataDir, token: '' }));
    token = service.token;
    assert.ok(token.length >= 24);
    assert.ok(service.log().includes(token), 'it shows the new token');
    assert.equal(statSync(path.join(dataDir, 'admin-token')).mode & 0o777, 0o600);
    const status = await service.status();
    assert.equal(status.isAvailable, true);
    assert.ok(status.tableCount >= 8);
    const cluster = path.join(dataDir, 'postgresql');
    const postmaster = processesOf(cluster);
    assert.ok(postmaster.length >= 1);
    assert.notEqual(statSync(`/proc/${postmaster[0]}`).uid, 0, 'PostgreSQL does not run as root');
    const sockets = (await runOk('find', [cluster, '-type', 's'])).stdout.trim().split('\n').filter(Boolean);
    for (const socket of sockets) assert.equal(statSync(path.dirname(socket)).mode & 0o077, 0, 'the socket is private');
    await service.stop('SIGTERM');
    assert.deepEqual(processesOf(dataDir), []);
    await until('the exit code', () => service.exitCode !== undefined);
    assert.equal(service.exitCode, 0);
  });

  test('finds its data again after a stop and after kill -9, without an orphan', async () => {
    // An import brings a hub's data.
    const server = await startPostgres();
    const hub = await Database.create(server);
    await hub.execFile(fixture('hub-v05.sql'));
    const archive = await hub.pgDump(path.join(temporaryDirectory('serve'), 'hub.dump'));
    let service = adopt(await Service.start({ dataDir, token: '' }));
    assert.equal(service.token, token, 'the token is the same');
    assert.ok(!service.log().includes(token), 'and is not shown again');
    const { events } = await upload(service, { file: archive, fields: { cleanFirst: 'true' } });
    assert.equal(lastEvent(events).type, 'complete', JSON.stringify(lastEvent(events)));
    for (const how of ['SIGTERM', 'SIGKILL', 'SIGKILL']) {
      await service.stop(how);
      await until(`no process left after ${how}`, () => processesOf(dataDir).length === 0, 20_000);
      service = adopt(await Service.start({ dataDir, token: '' }));
      const status = await service.status();
      assert.equal(status.logRows, 3000, how);
    }
    const file = path.join(temporaryDirectory('serve'), 'own.dump');
    await exportOverHttp(service, file);
    assert.match((await runOk('pg_restore', ['-l', file])).stdout, /TABLE DATA public message_request/);
    // The command line beside the running service uses the same cluster, under the same lock.
    const direct = await cli(['export', path.join(path.dirname(file), 'cli.dump')], { env: { DATA_DIR: dataDir } });
    assert.equal(direct.code, 0, direct.stderr);
    // A second service on the same directory is refused without disturbing the first.
    const second = await run(path.resolve(process.env.CCH_DATA_BINARY ?? 'build/src/cch-data'), ['serve', '--data-dir', dataDir, '--listen-port', '0']);
    assert.equal(second.code, 2, second.stderr);
    assert.equal((await service.status()).isAvailable, true);
    await service.stop('SIGINT');
    assert.deepEqual(processesOf(dataDir), []);
  });

  test('the command line works on the private cluster when no service runs', async () => {
    const file = path.join(temporaryDirectory('serve'), 'cli.dump');
    const { code, stderr } = await cli(['export', file], { env: { DATA_DIR: dataDir } });
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(file));
    assert.deepEqual(processesOf(dataDir), []);
  });

  test('a wrong option is a clear error and no start', async () => {
    const { code, stderr } = await cli(['serve'], { env: { DATA_DIR: dataDir, LISTEN_PORT: 'http' } });
    assert.equal(code, 2);
    assert.match(stderr, /LISTEN_PORT|listen-port/);
  });

  test('says once, and not at every attempt, that the database is away', async () => {
    const service = await Service.start({ dsn: 'postgres://nobody@127.0.0.1:1/none' });
    await until('the first line', () => service.log().includes('database away'));
    await new Promise((resolve) => setTimeout(resolve, 11_000)); // two attempts
    assert.equal(service.log().match(/event="?database away/g).length, 1, service.log());
    await service.stop();
  });

  test('answers its health', async () => {
    const service = await start();
    const { status } = await request(service, 'GET', '/api/health');
    assert.equal(status, 200);
    await service.stop();
  });
});
