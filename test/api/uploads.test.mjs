// Resumable uploads by the tus protocol: its requirements, broken connections, restarts, limits and access control.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { atExit, temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { until } from './support/run.mjs';
import { isRoot, startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { UPLOADS, createUpload, metadata, offsetOf, patch, startTus, tus, uploadWhole } from './support/tus.mjs';

const MIB = 1024 * 1024;
const digest = (algorithm, data) => `${algorithm} ${createHash(algorithm).update(data).digest('base64')}`;

// Bytes that begin like an archive are accepted; whether they are one is checked at their use.
const archiveLike = (size) => {
  const data = Buffer.alloc(size);
  for (let i = 0; i < size; i++) data[i] = (i * 7 + (i >> 8)) & 0xff;
  Buffer.from([0x50, 0x47, 0x44, 0x4d, 0x50, 1, 14, 0, 4, 8, 1]).copy(data);
  return data;
};

describe('a resumable upload', { skip: !haveBinary && 'no binary' }, () => {
  let database, service;
  const data = archiveLike(300_000);

  before(async () => {
    const server = await startPostgres();
    database = await Database.create(server);
    service = await Service.start({ dsn: database.dsn });
  });

  // Returns the bytes that the service has, and removes everything.
  const stored = (of = service) =>
    readFileSync(path.join(of.tempDir, readdirSync(of.tempDir).find((name) => name.endsWith('.dump'))));
  const remove = async (location, of = service) => assert.equal((await tus(of, 'DELETE', location)).status, 204);
  const refused = async (answer, status, errorCode) => {
    const got = await answer;
    assert.equal(got.status, status, got.text);
    assert.equal(got.headers['tus-resumable'], '1.0.0');
    if (errorCode) assert.equal(got.body.errorCode, errorCode);
    return got;
  };

  test('tells what it can do', async () => {
    const { status, headers } = await tus(service, 'OPTIONS', UPLOADS, { headers: { 'tus-resumable': undefined } });
    assert.equal(status, 204);
    assert.equal(headers['tus-version'], '1.0.0');
    assert.equal(headers['tus-max-size'], '524288000');
    assert.equal(headers['tus-extension'], 'creation,creation-with-upload,creation-defer-length,expiration,checksum,termination');
    assert.equal(headers['tus-checksum-algorithm'], 'sha256,sha1');
  });

  test('is created, written in pieces, asked for and deleted', async () => {
    const created = await tus(service, 'POST', UPLOADS, {
      headers: { 'upload-length': data.length, 'upload-metadata': `${metadata('备份.dump')},private` },
    });
    assert.equal(created.status, 201);
    assert.match(created.headers.location, /^\/api\/admin\/database\/uploads\/[0-9a-f]{32}$/);
    assert.ok(Date.parse(created.headers['upload-expires']) > Date.now() + 3500_000);
    const { location } = created.headers;
    for (let at = 0; at < data.length; at += 70_000) {
      const { status, headers } = await patch(service, location, at, data.subarray(at, at + 70_000));
      assert.equal(status, 204);
      assert.equal(headers['upload-offset'], String(Math.min(at + 70_000, data.length)));
    }
    const head = await tus(service, 'HEAD', location);
    assert.equal(head.status, 200);
    assert.equal(head.headers['upload-offset'], String(data.length));
    assert.equal(head.headers['upload-length'], String(data.length));
    assert.equal(head.headers['upload-metadata'], `${metadata('备份.dump')},private`);
    assert.match(head.headers['cache-control'], /no-store/);
    const told = await (await service.fetch(location)).json();
    assert.equal(told.fileName, '备份.dump');
    assert.deepEqual([told.length, told.offset, told.isComplete, told.isInUse], [data.length, data.length, true, false]);
    const { uploads } = await (await service.fetch(UPLOADS)).json();
    assert.deepEqual(uploads, [told]);
    assert.ok(stored().equals(data));
    const [name] = readdirSync(service.tempDir);
    assert.match(name, /^database_upload_\d+_[0-9a-f]{32}\.(dump|json)$/);
    for (const each of readdirSync(service.tempDir)) assert.equal(statSync(path.join(service.tempDir, each)).mode & 0o777, 0o600);
    await remove(location);
    assert.deepEqual(service.tempFiles(), []);
    await refused(tus(service, 'DELETE', location), 404, 'upload.not_found');
    assert.equal((await tus(service, 'HEAD', location)).status, 404);
  });

  test('may begin with its creation, and learn its length later', async () => {
    const whole = await tus(service, 'POST', UPLOADS, {
      headers: { 'upload-length': data.length, 'upload-metadata': metadata('a.dump') }, body: data.subarray(0, 1000),
    });
    assert.equal(whole.status, 201);
    assert.equal(whole.headers['upload-offset'], '1000');
    await remove(whole.headers.location);

    const location = await createUpload(service, undefined, { headers: { 'upload-defer-length': '1' } });
    const head = await tus(service, 'HEAD', location);
    assert.equal(head.headers['upload-defer-length'], '1');
    assert.equal(head.headers['upload-length'], undefined);
    assert.equal((await patch(service, location, 0, data.subarray(0, 9000))).status, 204);
    await refused(patch(service, location, 9000, data.subarray(9000), { headers: { 'upload-length': 8999 } }), 400);
    const last = await patch(service, location, 9000, data.subarray(9000), { headers: { 'upload-length': data.length } });
    assert.equal(last.status, 204);
    assert.ok(stored().equals(data));
    await refused(patch(service, location, data.length, Buffer.alloc(0), {
      headers: { 'upload-length': data.length + 1, 'content-type': 'application/offset+octet-stream' },
    }), 400);
    await remove(location);
  });

  test('keeps what came before the connection broke, wherever it broke', async () => {
    const location = await createUpload(service, data.length);
    let offset = 0;
    for (let turn = 0; turn < 25; turn++) {
      const rest = data.subarray(offset);
      const cutAfter = turn === 0 ? 0 : turn === 1 ? 7 : randomInt(Math.max(1, rest.length >> 2));
      startTus(service, 'PATCH', location, { headers: { 'upload-offset': offset }, body: rest, cutAfter });
      await delay(40);
      // A busy machine may not have sent anything yet.
      if (cutAfter > 0) await until('all that was sent', async () => (await offsetOf(service, location)) === offset + cutAfter).catch(() => {});
      await until('the end of the request', async () => !(await (await service.fetch(location)).json()).isInUse);
      const now = await offsetOf(service, location);
      assert.ok(now >= offset && now <= offset + cutAfter, `${now} after ${offset} + ${cutAfter}`);
      if (cutAfter > 0) assert.equal(now, offset + cutAfter, 'all that was sent counts');
      offset = now;
    }
    assert.equal((await patch(service, location, offset, data.subarray(offset))).status, 204);
    assert.ok(stored().equals(data));
    await remove(location);
  });

  test('is not created at all when the connection breaks during its creation', async () => {
    const { call } = startTus(service, 'POST', UPLOADS, {
      headers: { 'upload-length': data.length, 'upload-metadata': metadata('a.dump'), 'content-length': data.length },
      body: data.subarray(0, 5000),
    });
    await until('its file', () => service.tempFiles().length > 0);
    call.destroy();
    await until('its end', () => service.tempFiles().length === 0);
  });

  test('takes a piece only at its end', async () => {
    const location = await createUpload(service, data.length);
    await patch(service, location, 0, data.subarray(0, 5000));
    for (const offset of [0, 4999, 5001, data.length]) {
      await refused(patch(service, location, offset, data.subarray(5000, 6000)), 409, 'upload.offset_mismatch');
    }
    assert.equal(await offsetOf(service, location), 5000);
    assert.equal((await patch(service, location, 5000, data.subarray(5000))).status, 204);
    assert.ok(stored().equals(data));
    await refused(patch(service, location, data.length, Buffer.from('x')), 413, 'request.too_large');
    await remove(location);
  });

  test('counts a piece with a checksum when that fits, and throws it away when not', async () => {
    const location = await createUpload(service, data.length);
    const piece = data.subarray(0, 100_000);
    const sent = (checksum, options) => patch(service, location, 0, piece, { headers: { 'upload-checksum': checksum }, ...options });
    for (const algorithm of ['sha256', 'sha1']) {
      await refused(sent(digest(algorithm, data)), 460, 'upload.checksum_mismatch');
      assert.equal(await offsetOf(service, location), 0);
    }
    for (const wrong of ['md5 1B2M2Y8AsgTpgAmY7PhCfg==', 'sha256', 'sha256 ', 'sha256 AAAA', 'sha1 ????', digest('sha256', piece).slice(0, -1)]) {
      await refused(sent(wrong), 400, 'request.validation_failed');
    }
    startTus(service, 'PATCH', location, { headers: { 'upload-offset': 0, 'upload-checksum': digest('sha256', piece) }, body: piece, cutAfter: 50_000 });
    await delay(60);
    await until('the end of the request', async () => !(await (await service.fetch(location)).json()).isInUse);
    assert.equal(await offsetOf(service, location), 0, 'half a piece cannot be verified');
    assert.equal(stored().length, 0);
    const good = await sent(digest('sha256', piece));
    assert.deepEqual([good.status, good.headers['upload-offset']], [204, '100000']);
    const rest = data.subarray(100_000);
    assert.equal((await patch(service, location, 100_000, rest, { headers: { 'upload-checksum': digest('sha1', rest) } })).status, 204);
    assert.ok(stored().equals(data));
    await remove(location);
  });

  test('has one writer at a time, and a stalled one gives way', async () => {
    const location = await createUpload(service, data.length);
    const first = startTus(service, 'PATCH', location, { headers: { 'upload-offset': 0 }, body: data, cutAfter: undefined });
    await first.answer;
    await remove(location);

    const other = await createUpload(service, data.length);
    const { call } = await hang(other, 0, data.subarray(0, 10_000));
    await until('the first piece', async () => (await offsetOf(service, other)) === 10_000);
    await refused(patch(service, other, 10_000, data.subarray(10_000)), 423, 'upload.busy');
    await refused(tus(service, 'DELETE', other), 423, 'upload.busy');
    const taken = await until(
      'the stalled writer gives way',
      async () => {
        const answer = await patch(service, other, 10_000, data.subarray(10_000));
        return answer.status === 204 ? answer : null;
      },
      15_000, 500,
    );
    assert.equal(taken.headers['upload-offset'], String(data.length));
    call.write(Buffer.alloc(1000, 0x78));
    await delay(100);
    assert.ok(stored().equals(data), 'the one that lost its place writes no more');
    call.destroy();
    await remove(other);
  });

  // A PATCH that sends some bytes and then nothing.
  async function hang(location, offset, bytes) {
    const { default: http } = await import('node:http');
    const call = http.request({
      host: '127.0.0.1', port: service.port, method: 'PATCH', path: location, agent: false,
      headers: {
        authorization: `Bearer ${service.token}`, 'tus-resumable': '1.0.0', 'upload-offset': offset,
        'content-type': 'application/offset+octet-stream', 'content-length': data.length - offset,
      },
    });
    call.on('error', () => {});
    await new Promise((resolve) => call.write(bytes, resolve));
    return { call };
  }

  test('refuses what is not the protocol', async () => {
    const location = await createUpload(service, data.length);
    const post = (headers, options) => tus(service, 'POST', UPLOADS, { headers: { 'upload-metadata': metadata('a.dump'), ...headers }, ...options });
    for (const version of [undefined, '0.2.2', '1.0.1']) {
      const answers = [
        post({ 'tus-resumable': version, 'upload-length': 5 }),
        patch(service, location, 0, data.subarray(0, 5), { headers: { 'tus-resumable': version } }),
        tus(service, 'DELETE', location, { headers: { 'tus-resumable': version } }),
      ];
      for (const answer of answers) {
        const got = await refused(answer, 412, 'upload.tus_version');
        assert.equal(got.headers['tus-version'], '1.0.0');
      }
      assert.equal((await tus(service, 'HEAD', location, { headers: { 'tus-resumable': version } })).status, 412);
    }
    for (const length of ['-1', 'abc', '1e3', '', '99999999999999999999', '0x10', ' ']) {
      await refused(post({ 'upload-length': length }), 400, 'request.validation_failed');
    }
    await refused(post({}), 400, 'request.validation_failed');
    await refused(post({ 'upload-length': 5, 'upload-defer-length': '1' }), 400, 'request.validation_failed');
    await refused(post({ 'upload-defer-length': '2' }), 400, 'request.validation_failed');
    await refused(post({ 'upload-length': 5, 'content-type': 'text/plain' }, { body: data.subarray(0, 5) }), 415);
    for (const offset of [undefined, '-1', 'x']) {
      await refused(patch(service, location, offset, data.subarray(0, 5)), 400, 'request.validation_failed');
    }
    await refused(patch(service, location, 0, data.subarray(0, 5), { headers: { 'content-type': 'application/octet-stream' } }), 415);
    await refused(patch(service, `${UPLOADS}/${'0'.repeat(32)}`, 0, data.subarray(0, 5)), 404, 'upload.not_found');
    await refused(patch(service, `${UPLOADS}/..%2f..%2fetc`, 0, data.subarray(0, 5)), 404, 'upload.not_found');
    await refused(patch(service, location, 0, Buffer.concat([data, data])), 413, 'request.too_large');
    assert.equal(await offsetOf(service, location), 0);
    await remove(location);
    assert.deepEqual(service.tempFiles(), []);
  });

  test('has to be named as an archive, in well-formed metadata', async () => {
    const create = (value) => tus(service, 'POST', UPLOADS, { headers: { 'upload-length': 5, 'upload-metadata': value } });
    for (const value of [undefined, 'filetype YQ==', metadata('a.sql'), metadata('a.dump.bz2'), metadata('a.gz'), 'filename ']) {
      await refused(create(value), 400, 'import.file_name');
    }
    for (const value of [
      'filename', 'filename !', `filename  ${'A'.repeat(8)}`, `${metadata('a.dump')},`, `,${metadata('a.dump')}`,
      `${metadata('a.dump')},${metadata('b.dump')}`, `filename ${Buffer.from('a\n.dump').toString('base64')}`,
      `filename ${Buffer.from([0xff, 0xfe]).toString('base64')}`, `filename ${Buffer.from('a\0.dump').toString('base64')}`,
      metadata(`${'a'.repeat(260)}.dump`), Array.from({ length: 20 }, (_, i) => `k${i} YQ==`).join(','), `k ${'A'.repeat(5000)}`,
    ]) {
      const got = await create(value);
      assert.ok(got.status === 400 || value === 'filename', `${value}: ${got.status}`);
    }
    assert.deepEqual(service.tempFiles(), []);
  });

  test('is given up when it is no archive, however small the first pieces are', async () => {
    const location = await createUpload(service, 100);
    for (const [at, byte] of [...Buffer.from('PGDM')].entries()) {
      assert.equal((await patch(service, location, at, Buffer.from([byte]))).status, 204);
    }
    await refused(patch(service, location, 4, Buffer.from('Q')), 400, 'archive.not_custom_format');
    assert.equal(await offsetOf(service, location), null);
    assert.deepEqual(service.tempFiles(), []);
  });

  test('is reached by POST where a proxy takes nothing else', async () => {
    const location = await createUpload(service, data.length);
    const post = (method, options) =>
      tus(service, 'POST', location, { ...options, headers: { 'x-http-method-override': method, ...options?.headers } });
    const taken = await post('PATCH', { headers: { 'upload-offset': 0 }, body: data });
    assert.deepEqual([taken.status, taken.headers['upload-offset']], [204, String(data.length)]);
    assert.equal((await post('GET')).status, 405);
    assert.equal((await post('DELETE')).status, 204);
    assert.equal((await tus(service, 'GET', '/api/admin/database/status', { headers: { 'x-http-method-override': 'DELETE' } })).status, 200);
    assert.deepEqual(service.tempFiles(), []);
  });

  test('is for administrators, from their own site', async () => {
    const location = await createUpload(service, data.length);
    const calls = [
      ['POST', UPLOADS], ['PATCH', location], ['DELETE', location], ['GET', location], ['GET', UPLOADS], ['OPTIONS', UPLOADS],
    ];
    for (const [method, target] of calls) {
      assert.equal((await tus(service, method, target, { token: null })).status, 401, `${method} ${target}`);
      assert.equal((await tus(service, method, target, { token: 'wrong-but-long-enough' })).status, 401, `${method} ${target}`);
    }
    for (const [method, target] of calls.slice(0, 3)) {
      for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
        const answer = await tus(service, method, target, { headers });
        assert.deepEqual([answer.status, answer.body.errorCode], [403, 'auth.csrf_invalid'], `${method} ${target}`);
      }
      const overridden = await tus(service, 'POST', location, { headers: { 'x-http-method-override': method, origin: 'https://evil.example' } });
      assert.ok([403, 405].includes(overridden.status));
    }
    const own = await patch(service, location, 0, data, { headers: { origin: service.url, 'sec-fetch-site': 'same-origin' } });
    assert.equal(own.status, 204);
    await remove(location);
  });

  test('is bounded in size, number and all together', async () => {
    const small = await Service.start({ dsn: database.dsn, env: { MAX_UPLOAD_BYTES: MIB, UPLOAD_KEEP_BYTES: 3 * MIB } });
    const create = (headers) => tus(small, 'POST', UPLOADS, { headers: { 'upload-metadata': metadata('a.dump'), ...headers } });
    const large = await refused(create({ 'upload-length': MIB + 1 }), 413, 'import.file_too_large');
    assert.match(large.body.details, /1MB/);
    const locations = [];
    for (let i = 0; i < 2; i++) locations.push(await createUpload(small, MIB));
    const unknown = await createUpload(small, undefined, { headers: { 'upload-defer-length': '1' } });
    await refused(create({ 'upload-length': 1 }), 507, 'upload.no_room');
    assert.equal((await patch(small, unknown, 0, archiveLike(MIB))).status, 204);
    await refused(patch(small, unknown, MIB, Buffer.from('x')), 413, 'import.file_too_large');
    assert.equal(await offsetOf(small, unknown), MIB);
    for (const location of [...locations, unknown]) await remove(location, small);
    for (let i = 0; i < 32; i++) await createUpload(small, 10);
    await refused(create({ 'upload-length': 10 }), 507, 'upload.no_room');
    await small.stop();
  });

  test('goes away when nobody has used it for a while', async () => {
    const brief = await Service.start({ dsn: database.dsn, env: { UPLOAD_KEEP: '2' } });
    const left = await createUpload(brief, data.length);
    const used = await createUpload(brief, data.length);
    const start = Date.now();
    let offset = 0;
    while (Date.now() - start < 4000) {
      assert.equal((await patch(brief, used, offset, data.subarray(offset, offset + 100))).status, 204);
      offset += 100;
      await delay(300);
    }
    assert.equal(await offsetOf(brief, left), null);
    assert.equal(await offsetOf(brief, used), offset);
    await until('no file is left', () => brief.tempFiles().length === 0, 8000);
    await brief.stop();
  });

  test('goes on after the service was stopped, or killed', async () => {
    const tempDir = temporaryDirectory('kept', 0o700);
    let mine = await Service.start({ dsn: database.dsn, tempDir });
    const location = await createUpload(mine, data.length, { name: '备份.dump' });
    const deferred = await createUpload(mine, undefined, { headers: { 'upload-defer-length': '1' } });
    let offset = 0;
    for (const how of ['SIGTERM', 'SIGKILL', 'SIGKILL']) {
      assert.equal((await patch(mine, location, offset, data.subarray(offset, offset + 50_000))).status, 204);
      offset += 50_000;
      // Half a piece with a checksum, which nobody will ever verify, and half a piece without.
      const rest = data.subarray(offset);
      const checksum = how === 'SIGTERM' ? undefined : digest('sha256', rest);
      const { call } = startTus(mine, 'PATCH', location, {
        headers: { 'upload-offset': offset, 'upload-checksum': checksum, 'content-length': rest.length }, body: rest.subarray(0, 30_000),
      });
      await until('its bytes', () => stored(mine).length === offset + 30_000 || statSync(path.join(tempDir, readdirSync(tempDir).find((name) => name.includes(location.split('/').at(-1)) && name.endsWith('.dump')))).size === offset + 30_000);
      await mine.stop(how);
      call.destroy();
      mine = await Service.start({ dsn: database.dsn, tempDir });
      const now = await offsetOf(mine, location);
      assert.equal(now, checksum ? offset : offset + 30_000, `after ${how}`);
      offset = now;
    }
    const told = await (await mine.fetch(location)).json();
    assert.equal(told.fileName, '备份.dump');
    assert.equal((await tus(mine, 'HEAD', deferred)).headers['upload-defer-length'], '1');
    await remove(deferred, mine);
    assert.equal((await patch(mine, location, offset, data.subarray(offset))).status, 204);
    assert.ok(stored(mine).equals(data));

    // Another instance with the same directory leaves it alone.
    const other = await Service.start({ dsn: database.dsn, tempDir });
    assert.deepEqual((await (await other.fetch(UPLOADS)).json()).uploads, []);
    await other.stop();
    assert.equal(await offsetOf(mine, location), data.length);

    // An upload that was damaged on disk is removed, not served.
    await mine.stop();
    for (const name of readdirSync(tempDir).filter((each) => each.endsWith('.json'))) writeFileSync(path.join(tempDir, name), '{"fileName":1}');
    mine = await Service.start({ dsn: database.dsn, tempDir });
    assert.deepEqual((await (await mine.fetch(UPLOADS)).json()).uploads, []);
    assert.deepEqual(mine.tempFiles(), []);
    await mine.stop();
  });

  test('is refused when the disk is full, with what there was room for', async (t) => {
    const tempDir = path.join(temporaryDirectory('small'), 'fs');
    mkdirSync(tempDir);
    if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', tempDir]).status !== 0) {
      t.skip('a file system cannot be mounted here');
      return;
    }
    atExit(() => spawnSync('umount', ['-l', tempDir]));
    const full = await Service.start({ dsn: database.dsn, tempDir });
    await refused(tus(full, 'POST', UPLOADS, { headers: { 'upload-length': 8 * MIB, 'upload-metadata': metadata('a.dump') } }), 507, 'file.disk_full');
    const location = await createUpload(full, undefined, { headers: { 'upload-defer-length': '1' } });
    await refused(patch(full, location, 0, archiveLike(8 * MIB)), 507, 'file.disk_full');
    const offset = await offsetOf(full, location);
    assert.ok(offset > MIB && offset < 2 * MIB, String(offset));
    await remove(location, full);
    assert.deepEqual(full.tempFiles(), []);
    await full.stop();
  });

  test('of many at once keeps them apart', async () => {
    const files = Array.from({ length: 8 }, (_, i) => archiveLike(50_000 + i * 1000));
    const ids = await Promise.all(files.map((file) => uploadWhole(service, file)));
    assert.equal(new Set(ids).size, files.length);
    for (const [i, id] of ids.entries()) {
      const name = readdirSync(service.tempDir).find((each) => each.endsWith(`${id}.dump`));
      assert.ok(readFileSync(path.join(service.tempDir, name)).equals(files[i]));
      await remove(`${UPLOADS}/${id}`);
    }
  });
});
