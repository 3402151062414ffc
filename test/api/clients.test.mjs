// The pg_dump of an export: that of the server's major version, or else the next newer one; and the error when none fits.
// PostgreSQL 18 comes from tools/postgres-versions.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { importOk } from './support/product.mjs';
import { runOk, until } from './support/run.mjs';
import { startPostgres, versionDir } from './support/servers.mjs';
import { Service, children, cli, haveBinary, peakRssBytes, startCli } from './support/service.mjs';

const dir = temporaryDirectory('clients');
const file = (name) => path.join(dir, name);
const bin15 = '/usr/lib/postgresql/15/bin';
const bin18 = path.join(versionDir(18), 'client/bin');
const missing = !existsSync(bin18) ? 'tools/postgres-versions 18 has not been run' : !existsSync(bin15) && 'no PostgreSQL 15';

describe('an export', { skip: (!haveBinary && 'no binary') || missing }, () => {
  let of15, of18;

  before(async () => {
    const servers = await Promise.all([startPostgres(), startPostgres({ major: 18 })]);
    [of15, of18] = await Promise.all(servers.map((server) => Database.create(server)));
    for (const database of [of15, of18]) {
      await database.exec('CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat(i::text, 9) FROM generate_series(1, 1000) AS i');
    }
  });

  const exported = async (database, name, env, args = []) => {
    const result = await cli(['export', ...args, file(name)], { dsn: database.dsn, env });
    const manifest = result.code === 0 ? JSON.parse(readFileSync(file(`${name}.manifest.json`))) : null;
    return { ...result, manifest };
  };
  const withService = async (database, env, action) => {
    const service = await Service.start({ dsn: database.dsn, env });
    await action(service, (address, language) => service.fetch(address, { headers: { 'accept-language': language } }));
    await service.stop();
  };

  test('takes the server\'s own version, although a newer one comes first', async () => {
    const { code, stderr, manifest } = await exported(of15, 'own.dump', { PATH: `${bin18}:${process.env.PATH}` });
    assert.equal(code, 0, stderr);
    assert.equal(manifest.pgRestoreMajor, 12);
    await runOk(path.join(bin15, 'pg_restore'), ['-l', file('own.dump')]);
  });

  test('takes what fits of several folders', async () => {
    for (const [database, major] of [[of15, '15'], [of18, '18']]) {
      const { code, stderr, manifest } = await exported(database, `list${major}.dump`, { PG_BIN_DIR: `${bin15}:${bin18}` });
      assert.equal(code, 0, stderr);
      assert.equal(manifest.pgDumpVersion.split('.')[0], major);
    }
  });

  test('by a newer version says which pg_restore its archive needs', async () => {
    const { code, stderr, manifest } = await exported(of15, 'newer.dump', { PG_BIN_DIR: bin18 });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /pg_restore 17/);
    assert.equal(manifest.pgRestoreMajor, 17);
    await withService(of15, { PG_BIN_DIR: bin18 }, async (service) => {
      const status = await service.status();
      assert.match(status.pgDumpVersion, /^18\./);
      assert.equal(status.pgRestoreMajor, 17);
      assert.match(status.exportNote, /pg_restore 17/);
      assert.equal(status.exportProblem, null);
      assert.ok(status.compressions.includes('zstd'));
    });
    const target = await Database.create(of15.server);
    await importOk(target, file('newer.dump'));
    assert.equal(await target.count('t'), 1000);
  });

  test('where every pg_dump is too old is refused, and announced, with the way out', async () => {
    const env = { PG_BIN_DIR: bin15 };
    const { code, stderr } = await exported(of18, 'old.dump', env);
    assert.equal(code, 2);
    assert.match(stderr, /postgresql-client-18/);
    await withService(of18, env, async (service, ask) => {
      await until('the warning', () => /export\.pg_dump_unusable/.test(service.log()));
      for (const [language, words] of [['en', /PG_DUMP_COMMAND.*postgresql-client-18/], ['zh-CN', /没有可用的 pg_dump.*postgresql-client-18/]]) {
        const health = await (await ask('/api/health', language)).json();
        assert.equal(health.status, 'degraded');
        assert.equal(health.components.export.status, 'down');
        assert.match(health.components.export.reason, words);
        const status = await (await ask('/api/admin/database/status', language)).json();
        assert.equal(status.pgDumpVersion, null);
        assert.match(status.exportProblem, words);
        const refused = await ask('/api/admin/database/export', language);
        assert.equal(refused.status, 500);
        assert.match(JSON.stringify(await refused.json()), words);
      }
      assert.ok(!(await service.status()).compressions.includes('lz4'));
    });
  });

  test('has the table of contents from a command that runs beside the server', async () => {
    const command = `env PGHOST='${of18.server.directory}' PGPORT=${of18.server.port} "${bin18}/pg_dump"`;
    const { code, stderr, manifest } = await exported(of18, 'command.dump', { PG_BIN_DIR: bin15, PG_DUMP_COMMAND: command });
    assert.equal(code, 0, stderr);
    assert.match(manifest.pgDumpVersion, /^18\./);
    await runOk(path.join(bin18, 'pg_restore'), ['-l', file('command.dump')]);
    const unusable = await exported(of18, 'none.dump', { PG_DUMP_COMMAND: `cch-no-such-program pg_dump` });
    assert.equal(unusable.code, 2);
    assert.match(unusable.stderr, /PG_DUMP_COMMAND/);
  });

  test('offers only compressions that its readers know', async () => {
    const levels = async (service, address) => {
      const answer = await (await service.fetch(address)).json();
      return answer.estimates.map((estimate) => estimate.compression);
    };
    await withService(of15, { PG_BIN_DIR: bin15 }, async (service) => {
      assert.ok(!(await levels(service, '/api/admin/database/export:estimate')).includes('zstd'));
      assert.equal((await service.fetch('/api/admin/database/export:estimate?compression=lz4')).status, 400);
    });
    await withService(of18, { PG_BIN_DIR: bin18 }, async (service) => {
      assert.ok((await levels(service, '/api/admin/database/export:estimate')).includes('zstd'));
    });
    const refused = await exported(of15, 'lz4.dump', { PG_BIN_DIR: bin15 }, ['--compression', 'lz4']);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /pg_dump of PostgreSQL 16/);
  });

  test('bounds pg_dump\'s memory, however long the first table\'s rows', async () => {
    const database = await Database.create(of15.server);
    await database.exec(`CREATE TABLE r (id integer, b bytea); INSERT INTO r SELECT 1, decode(repeat('0011', 35000000), 'hex')`);
    const running = startCli(['export', file('long.dump')], { dsn: database.dsn });
    let peak = 0;
    const watch = setInterval(() => {
      try {
        for (const child of children(running.pid)) peak = Math.max(peak, peakRssBytes(child.pid));
      } catch {
        // The process has ended.
      }
    }, 10);
    const { code, stderr } = await running.ended;
    clearInterval(watch);
    assert.equal(code, 0, stderr);
    assert.ok(peak < 270e6, `pg_dump took ${peak} bytes`);
    const target = await Database.create(of15.server);
    await importOk(target, file('long.dump'));
    assert.equal(await target.value('SELECT md5(b) FROM r'), await database.value('SELECT md5(b) FROM r'));
  });
});
