// The import over HTTP: its event stream, its refusals, and clients that disconnect at every stage.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { atExit, temporaryDirectory } from './support/cleanup.mjs';
import { readArchive, slowArchive } from './support/archive.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { bearer, readAnswer, request } from './support/http.mjs';
import { assertIdle } from './support/idle.mjs';
import { assertUnchanged } from './support/product.mjs';
import { until } from './support/run.mjs';
import { freePort, haveRedis, isRoot, startPostgres, startRedis } from './support/servers.mjs';
import { Service, adminToken, cli, haveBinary } from './support/service.mjs';
import { frames, lastEvent } from './support/sse.mjs';
import { startUpload, upload } from './support/upload.mjs';

const IMPORT = '/api/admin/database/import';
const MIB = 1024 * 1024;
const dir = temporaryDirectory('import');

describe('an import over HTTP', { skip: !haveBinary && 'no binary' }, () => {
  let server, redis, archive, template, database, service;

  before(async () => {
    server = await startPostgres();
    if (haveRedis()) redis = await startRedis();
    const source = await Database.create(server);
    await source.execFile(fixture('hub-v05.sql'));
    archive = await source.pgDump(path.join(dir, 'hub.dump'));
    template = source.name;
    database = await Database.create(server, { template });
    service = await Service.start({ dsn: database.dsn, redisUrl: redis?.url });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    await assertIdle(service, database, { redis });
  });

  const form = (options = {}) => upload(service, { file: archive, ...options });

  describe('streams', () => {
    test('events as specified, to a complete one', async () => {
      await database.exec('DELETE FROM message_request WHERE id % 2 = 0');
      const { status, headers, events } = await form({ fields: { cleanFirst: 'false', skipLogs: 'false' } });
      assert.equal(status, 200);
      assert.match(headers['content-type'], /^text\/event-stream/);
      assert.match(headers['cache-control'], /no-cache/);
      for (const event of events) {
        assert.ok(['progress', 'complete', 'error'].includes(event.type));
        assert.equal(typeof event.message, 'string');
        for (const name of ['rows', 'bytes', 'percent', 'warningCount', 'errorCount']) assert.equal(typeof event[name], 'number', name);
        assert.equal(typeof event.phase, 'string');
      }
      const complete = lastEvent(events);
      assert.equal(complete.type, 'complete');
      assert.equal(complete.message, '数据导入和迁移全部完成！');
      assert.equal(complete.exitCode, complete.warningCount > 0 ? 1 : 0);
      assert.equal(complete.errorCount, 0);
      assert.equal(complete.percent, 100);
      assert.deepEqual(complete.tables.find(({ table }) => table === 'public.message_request'), {
        table: 'public.message_request', rows: 3000, inserted: 1500, updated: 0, unchanged: 0, skipped: 1500, equal: 1500, different: 0, keyTaken: 0,
      });
      assert.equal(events.filter(({ type }) => type !== 'progress').length, 1);
      const percents = events.map(({ percent }) => percent);
      assert.deepEqual(percents, [...percents].sort((a, b) => a - b), 'percent only grows');
      const phases = [...new Set(events.map(({ phase }) => phase))];
      for (const phase of ['check', 'data', 'migrate', 'commit']) assert.ok(phases.includes(phase), `${phase} of ${phases}`);
      assert.ok(events.some(({ table, message }) => table === 'public.users' || message.includes('public.users')));
      assert.equal(await database.count('message_request'), 3000);
      await assertIdle(service, database, { redis, withinMs: 1000 });
    });

    test('messages in the caller\'s language', async () => {
      const english = lastEvent((await form({ headers: { 'accept-language': 'en-GB,en;q=0.9,zh;q=0.1' } })).events);
      assert.equal(english.message, 'Import and migrations are complete!');
      const chinese = lastEvent((await form({ headers: { 'accept-language': 'fr, zh-CN;q=0.9' } })).events);
      assert.equal(chinese.message, '数据导入和迁移全部完成！');
    });

    test('an overwriting import when cleanFirst is true, wherever the fields stand', async () => {
      for (const fieldsLast of [false, true]) {
        await database.exec('CREATE TABLE IF NOT EXISTS left_over (id integer)');
        const { events } = await form({ fields: { cleanFirst: 'true', skipLogs: 'true' }, fieldsLast });
        assert.equal(lastEvent(events).type, 'complete', JSON.stringify(lastEvent(events)));
        assert.equal(await database.value(`SELECT to_regclass('left_over')`), null);
        assert.equal(await database.count('message_request'), 0);
        assert.equal(await database.count('users'), 50);
      }
    });

    test('tells a running hub over Redis', { skip: !haveRedis() && 'no Redis' }, async () => {
      const channels = ['cch:cache:providers:updated', 'cch:cache:api_keys:updated'];
      const listener = await redis.subscribe(...channels);
      await form();
      for (const channel of channels) await until(channel, () => listener.received(channel), 3000);
      listener.stop();
    });

    test('an error that leaves the database as it was', async () => {
      const source = await Database.create(server, { template });
      await source.exec('ALTER TABLE users ALTER COLUMN name TYPE text; ALTER TABLE keys DROP COLUMN user_id');
      const other = await source.pgDump(path.join(dir, 'incompatible.dump'));
      const { events, status } = await assertUnchanged(database, () => form({ file: other }));
      assert.equal(status, 200);
      assert.equal(lastEvent(events).type, 'error');
      assert.equal(lastEvent(events).errorCode, 'import.incompatible');
      assert.ok(lastEvent(events).exitCode > 0);
      assert.match(lastEvent(events).message, /所有更改已回滚/);
      await assertIdle(service, database, { redis });
    });

    test('something at least every few seconds while nothing moves, and once a second while something does', async () => {
      const slow = await slowArchive(server, dir, { phase: 'data', rows: 100, ms: 50 });
      const { response, request: call } = startUpload(service, { file: slow });
      let last = Date.now();
      let longest = 0;
      for await (const frame of frames(await response)) {
        longest = Math.max(longest, frame.at - last);
        last = frame.at;
        if (frame.data?.type === 'complete') break;
      }
      assert.ok(longest < 3500, `${longest} ms of silence`);
      call.destroy();
      await assertIdle(service, database, { redis });
      await database.exec('DROP TABLE slow_table, a_first; DROP FUNCTION slow');
    });
  });

  describe('is refused', () => {
    const refused = async (options, status, errorCode) => {
      const answer = await form(options);
      assert.equal(answer.status, status, answer.text ?? JSON.stringify(answer.events?.at(-1)));
      if (errorCode) assert.equal(answer.body.errorCode, errorCode);
      await assertIdle(service, database, { redis, withinMs: 2000 });
      return answer.body;
    };

    test('without a file', async () => {
      const { body, status } = await request(service, 'POST', IMPORT, {
        headers: { ...bearer(adminToken), 'content-type': 'multipart/form-data; boundary=some-boundary' },
        body: '--some-boundary\r\nContent-Disposition: form-data; name="cleanFirst"\r\n\r\ntrue\r\n--some-boundary--\r\n',
      });
      assert.equal(status, 400);
      assert.equal(body.error, '缺少备份文件');
    });

    test('with a name that does not end with .dump', async () => {
      for (const filename of ['backup.sql', 'backup.DUMP', 'backup.gz', 'dump']) {
        const body = await refused({ filename }, 400, 'import.file_name');
        assert.equal(body.error, '文件格式错误，仅支持 .dump 格式的备份文件');
      }
    });

    test('with what is not a custom-format archive, by its first bytes', async () => {
      const { response, request: call } = startUpload(service, { data: Buffer.alloc(20 * MIB, 'x'), contentLength: 400 * MIB, stallAfter: MIB, stallMs: 5000 });
      const answer = await readAnswer(await response);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errorCode, 'archive.not_custom_format');
      call.destroy();
      await refused({ file: undefined, data: Buffer.alloc(0) }, 400);
      await refused({ file: undefined, data: Buffer.from('PGDMP\x01\x0e\x00\x04\x08\x03tar format') }, 400, 'archive.not_custom_format');
    });

    test('over 500 MB: at once by Content-Length, without it at the byte that is too much', async () => {
      const { response, request: call } = startUpload(service, { file: archive, contentLength: 600 * MIB, stallAfter: 0, stallMs: 5000 });
      const answer = await readAnswer(await response);
      assert.equal(answer.status, 413);
      assert.equal(answer.body.error, '文件过大，最大支持 500MB');
      assert.match(answer.body.details, /当前文件: 600\.\d\dMB，限制: 500MB/);
      call.destroy();
      const small = await Service.start({ dsn: database.dsn, env: { MAX_UPLOAD_BYTES: String(MIB) } });
      const data = Buffer.concat([readFileSync(archive).subarray(0, 64), Buffer.alloc(3 * MIB)]);
      for (const chunked of [true, false]) {
        const over = await upload(small, { data, chunked });
        assert.equal(over.status, 413);
        assert.equal(over.body.errorCode, 'import.file_too_large');
        assert.equal(over.body.error, '文件过大，最大支持 1MB');
      }
      await assertIdle(small, database, { redis });
      await small.stop();
    });

    test('with values that are neither true nor false, unknown or repeated fields, or a body that is no form', async () => {
      await refused({ fields: { cleanFirst: 'yes' } }, 400, 'request.validation_failed');
      await refused({ fields: { skipLogs: '1' }, fieldsLast: true }, 400, 'request.validation_failed');
      await refused({ fields: { cleanfirst: 'true' } }, 400);
      await refused({ headers: { 'content-type': 'text/plain' } }, 415);
      await refused({ headers: { 'content-type': 'application/json' } }, 413);
      await refused({ headers: { 'content-type': 'multipart/form-data' } }, 415);
      const { request: call, response } = startUpload(service, { file: archive, headers: { 'content-type': 'multipart/form-data; boundary=another' } });
      assert.equal((await response).statusCode, 400);
      call.destroy();
    });

    test('while another operation runs, before its body', async () => {
      const first = startUpload(service, { file: archive, stallAfter: 0, stallMs: 60_000, chunkBytes: 4096 });
      await until('the first', async () => (await service.status()).operation.running);
      const second = startUpload(service, { file: archive, stallAfter: 0, stallMs: 10_000, chunkBytes: 4096 });
      const answer = await readAnswer(await second.response);
      assert.equal(answer.status, 409);
      assert.equal(answer.body.error, '其他管理员正在执行备份操作,请稍后重试');
      assert.equal(answer.body.details, '为确保数据一致性,同一时间只能执行一个备份操作');
      assert.equal(answer.body.holder.operation, 'import');
      second.request.destroy();
      first.request.destroy();
      await assertIdle(service, database, { redis });
    });

    test('while the database is away', async () => {
      const lonely = await Service.start({ dsn: `postgresql://postgres@127.0.0.1:${await freePort()}/x` });
      const answer = await upload(lonely, { file: archive });
      assert.equal(answer.status, 503);
      assert.equal(answer.body.error, '数据库连接不可用，请检查数据库服务状态');
      assert.deepEqual(lonely.tempFiles(), []);
      await lonely.stop();
    });

    test('when the disk is full', async (t) => {
      const small = path.join(dir, 'small');
      mkdirSync(small);
      if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', small]).status !== 0) {
        t.skip('a file system cannot be mounted here');
        return;
      }
      atExit(() => spawnSync('umount', ['-l', small]));
      const full = await Service.start({ dsn: database.dsn, tempDir: small });
      const data = Buffer.concat([readFileSync(archive).subarray(0, 4096), Buffer.alloc(8 * MIB)]);
      for (const chunked of [false, true]) {
        const { response, request: call } = startUpload(full, { data, chunked });
        const answer = await readAnswer(await response);
        assert.equal(answer.status, 507, answer.text);
        assert.equal(answer.body.errorCode, 'file.disk_full');
        call.destroy();
        await assertIdle(full, database, { redis });
      }
      await full.stop();
    });

    test('when it stalls for too long', async () => {
      const impatient = await Service.start({ dsn: database.dsn, env: { UPLOAD_IDLE_TIMEOUT: '2' } });
      const started = Date.now();
      const { response, request: call } = startUpload(impatient, { file: archive, stallAfter: 0, stallMs: 30_000, chunkBytes: 4096 });
      const outcome = await response.then((r) => r.statusCode, () => 'closed');
      assert.ok([408, 'closed'].includes(outcome), String(outcome));
      assert.ok(Date.now() - started < 10_000);
      call.destroy();
      await assertIdle(impatient, database, { redis });
      await impatient.stop();
    });
  });

  test('keeps its file private, and named as specified', async () => {
    const { request: call } = startUpload(service, { file: archive, stallAfter: 0, stallMs: 20_000, chunkBytes: 16384 });
    const name = await until('the file', () => readdirSync(service.tempDir)[0]);
    assert.match(name, /^database_import_\d+_[A-Za-z0-9]+\.dump$/);
    assert.equal(statSync(path.join(service.tempDir, name)).mode & 0o777, 0o600);
    call.destroy();
    await assertIdle(service, database, { redis });
  });

  describe('whose client goes away', () => {
    async function gone(file, isThere, options = {}) {
      await assertUnchanged(database, async () => {
        const { response, request: call } = startUpload(service, { file, ...options });
        for await (const frame of frames(await response)) if (frame.data && isThere(frame.data)) break;
        call.destroy();
        await assertIdle(service, database, { redis, withinMs: 5000 });
      });
      assert.equal((await service.status()).operation.running, false);
    }

    test('during the upload leaves nothing', async () => {
      await assertUnchanged(database, async () => {
        for (const cutAfter of [0, 5, 100, 5000, statSync(archive).size - 1]) {
          await startUpload(service, { file: archive, cutAfter }).sent;
          await assertIdle(service, database, { redis });
        }
      });
    });

    test('while the archive is checked leaves nothing', async () => {
      const source = await Database.create(server);
      await source.exec(`CREATE TABLE zeros AS SELECT repeat('0', 1000000) AS z FROM generate_series(1, 500)`);
      const file = await source.pgDump(path.join(dir, 'zeros.dump'));
      await source.drop();
      await gone(file, ({ phase }) => phase === 'check');
    });

    for (const phase of ['data', 'indexes']) {
      for (const cleanFirst of ['false', 'true']) {
        test(`while ${phase === 'data' ? 'rows are loaded' : 'indexes are built'} (cleanFirst=${cleanFirst}) leaves nothing`, async () => {
          const file = await slowArchive(server, dir, { phase, rows: 2000 });
          await gone(file, (event) => event.phase === phase, { fields: { cleanFirst } });
        });
      }
    }
  });

  test('never writes over a large object that the archive does not name', async () => {
    await database.exec(`SELECT lo_from_bytea(900000, 'live')`);
    const source = await Database.create(server);
    await source.exec(`SELECT lo_from_bytea(900001, 'archive')`);
    const file = await source.pgDump(path.join(dir, 'oid.dump'));
    const { bytes, blocks } = readArchive(file);
    const { start } = blocks.find(({ type }) => type === 3);
    bytes.writeUInt32LE(900000, start + 7);
    writeFileSync(file, bytes);
    const { events } = await assertUnchanged(database, () => form({ file }));
    assert.equal(lastEvent(events).errorCode, 'archive.corrupt');
    await database.exec('SELECT lo_unlink(900000)');
  });

  describe('of a damaged archive', () => {
    let small, parts;
    before(async () => {
      const source = await Database.create(server);
      await source.exec(`
        CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (id serial PRIMARY KEY, v text, e e); INSERT INTO t (v, e) SELECT md5(i::text), 'a' FROM generate_series(1, 300) AS i;
        CREATE TABLE u (id integer REFERENCES t); INSERT INTO u SELECT i FROM generate_series(1, 50) AS i; CREATE INDEX ON t (v);
        CREATE VIEW v AS SELECT * FROM t; COMMENT ON TABLE t IS 'c'; SELECT lo_from_bytea(0, 'large object')`);
      // The archive has no record of a hub's migrations, so it must not replace a database that has one.
      await database.exec('DROP SCHEMA IF EXISTS drizzle CASCADE');
      small = await source.pgDump(path.join(dir, 'damaged.dump'));
      parts = readArchive(small);
    });

    const damaged = path.join(dir, 'bad.dump');

    test('cut anywhere changes nothing: at every entry, within every block', async () => {
      const { bytes, entries, blocks, tocEnd } = parts;
      const cuts = new Set([1, 5, 11, 12, 30, tocEnd, ...entries.map(({ end }) => end), ...entries.map(({ start, end }) => (start + end) >> 1)]);
      for (const { start, end } of blocks) for (const cut of [start, start + 1, start + 6, (start + end) >> 1, end - 5, end - 1]) cuts.add(cut);
      const before = await database.dumpText();
      for (const [i, cut] of [...cuts].filter((at) => at < bytes.length).sort((a, b) => a - b).entries()) {
        if (i % 3) continue; // the unit test archive/read/reader_damage cuts at every byte
        writeFileSync(damaged, bytes.subarray(0, cut));
        assert.equal((await cli(['verify', damaged])).code, 3, `verify, cut at ${cut}`);
        if (i % 2) continue; // an import reads as a verification does
        const answer = await form({ file: damaged, fields: { cleanFirst: cut % 2 ? 'true' : 'false' } });
        if (answer.status === 200) {
          assert.equal(lastEvent(answer.events).type, 'error', `cut at ${cut}`);
          assert.match(lastEvent(answer.events).errorCode, /^archive\./, `cut at ${cut}`);
        } else {
          assert.equal(answer.status, 400, `cut at ${cut}`);
        }
      }
      assert.equal(firstDifference(await database.dumpText(), before), null);
      await assertIdle(service, database, { redis });
    });

    test('with a flipped bit in a data block changes nothing', async () => {
      const { bytes, blocks } = parts;
      const before = await database.dumpText();
      for (const { start, end, type } of blocks) {
        for (const at of [start, start + 1, start + 3, start + 7, start + 11, start + 12, (start + end) >> 1, end - 8, end - 3]) {
          const copy = Buffer.from(bytes);
          copy[at] ^= 1 << at % 8;
          writeFileSync(damaged, copy);
          const { code } = await cli(['verify', damaged]);
          // A large object's OID has no checksum; the import notices that it belongs to another object.
          const isOid = type === 3 && at > start + 5 && at < start + 11;
          assert.ok(isOid || code === 3, `flipped at ${at} of the block from ${start} to ${end}`);
          if (!isOid && at % 3) continue; // an import reads as a verification does
          const { events, status } = await form({ file: damaged });
          assert.ok(status === 400 || lastEvent(events).type === 'error', `flipped at ${at}`);
        }
      }
      assert.equal(firstDifference(await database.dumpText(), before), null);
      await assertIdle(service, database, { redis });
    });

    test('with a flipped bit in the table of contents is read or refused, never a crash', async () => {
      const { bytes, tocEnd } = parts;
      for (let at = 0; at < tocEnd; at += 61) {
        const copy = Buffer.from(bytes);
        copy[at] ^= 1 << (at * 7) % 8;
        writeFileSync(damaged, copy);
        const { code, stderr } = await cli(['verify', damaged]);
        assert.ok([0, 3].includes(code), `flipped at ${at}: ${code}\n${stderr}`);
      }
    });

    test('with something after its end, or a block twice, is refused', async () => {
      const { bytes, blocks } = parts;
      for (const extra of [Buffer.from('x'), bytes.subarray(blocks[0].start, blocks[0].end)]) {
        writeFileSync(damaged, Buffer.concat([bytes, extra]));
        assert.equal((await cli(['verify', damaged])).code, 3);
      }
    });
  });
});
