// Files named like archives that are something else, which are identified, or wrapped archives, which are read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { createUpload, patch, tus } from './support/tus.mjs';
import { upload } from './support/upload.mjs';

const dir = temporaryDirectory('wrong-files');
const file = (name, bytes) => {
  writeFileSync(path.join(dir, name), bytes);
  return path.join(dir, name);
};

// A ZIP archive of one file, according to PKWARE's APPNOTE.
function zip(name, bytes) {
  const data = deflateRawSync(bytes);
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const sizes = Buffer.alloc(26);
  sizes.writeUInt16LE(20, 0);
  sizes.writeUInt16LE(8, 4);
  sizes.writeUInt32LE(~crc >>> 0, 10);
  sizes.writeUInt32LE(data.length, 14);
  sizes.writeUInt32LE(bytes.length, 18);
  sizes.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), sizes, Buffer.from(name), data]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), sizes, Buffer.alloc(14), Buffer.from(name)]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

// A tar file of one empty file (POSIX ustar).
function tar(name) {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('        ', 148);
  header.write('ustar\0', 257);
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.alloc(1024)]);
}

// A zstd frame of raw blocks (RFC 8878, 3.1.1).
function zstd(bytes) {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  header.writeUInt32LE(bytes.length, 5);
  const parts = [header];
  for (let from = 0; from < bytes.length; from += 65536) {
    const piece = bytes.subarray(from, from + 65536);
    const block = Buffer.alloc(3);
    block.writeUIntLE((piece.length << 3) | (from + 65536 >= bytes.length ? 1 : 0), 0, 3);
    parts.push(block, piece);
  }
  return Buffer.concat(parts);
}

describe('files that are no archives', { skip: !haveBinary && 'no binary' }, () => {
  let database, service, archive, bytes, wrapped;

  before(async () => {
    const server = await startPostgres();
    const source = await Database.create(server);
    await source.exec(`CREATE TABLE fruit (id int PRIMARY KEY, name text); INSERT INTO fruit SELECT i, 'fruit ' || i FROM generate_series(1, 3000) i`);
    archive = path.join(dir, 'a.dump');
    await source.pgDump(archive);
    bytes = readFileSync(archive);
    database = await Database.create(server);
    service = await Service.start({ dsn: database.dsn });
    wrapped = { 'a.dump.gz': gzipSync(bytes), 'a.dump.zst': zstd(bytes), 'a.dump.zip': zip('a.dump', bytes) };
  });

  const noFilesLeft = () => assert.deepEqual(readdirSync(service.tempDir).filter((name) => name.startsWith('database_')), []);

  test('each is called by its name, with what to do, in the language that was asked for', async () => {
    const sql = '--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n';
    for (const [name, content, zh, en] of [
      ['sql', sql, /SQL 文本.*psql -f/, /plain SQL.*psql -f/],
      ['sql-gz', gzipSync(sql), /gunzip -c 文件 \| psql/, /gunzip -c FILE \| psql/],
      ['all', '--\n-- PostgreSQL database cluster dump\n--\n', /pg_dumpall/, /pg_dumpall/],
      ['empty', '', /空的/, /empty/],
      ['html', '<html>502</html>', /网页/, /web page/],
      ['utf16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('PGDMP\x01', 'utf16le')]), /PowerShell/, /PowerShell/],
      ['front', Buffer.concat([Buffer.from('pg_dump: warning\n'), bytes]), /2>&1/, /tail -c \+18 FILE/],
      ['crlf', Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'), /CRLF/, /CRLF/],
      ['base64', bytes.toString('base64'), /base64 -d/, /base64 -d/],
      ['toc', Buffer.concat([bytes.subarray(0, 10), Buffer.from([3]), bytes.subarray(11)]), /toc\.dat/, /toc\.dat/],
      ['brotli', brotliCompressSync(bytes), /pg_dump -Fc/, /pg_dump -Fc/],
      ['twice', Buffer.concat([bytes, bytes]), /两个备份.*head -c/, /Two archives.*head -c/],
      ['tail', Buffer.concat([bytes, Buffer.from('junk')]), new RegExp(`head -c ${bytes.length} FILE`), new RegExp(`head -c ${bytes.length} FILE`)],
      ['gz-gz', gzipSync(gzipSync(bytes)), /压缩了两次.*gunzip/, /compressed twice.*gunzip/],
      ['zst-gz', gzipSync(zstd(bytes)), /压缩了两次/, /compressed twice/],
      ['gz-cut', gzipSync(bytes).subarray(0, 5000), /截断/, /cut short/],
      ['utf16-sql', Buffer.from(sql, 'utf16le'), /UTF-16/, /UTF-16/],
      ['no-cr', bytes.filter((byte) => byte !== 13), /当作文本/, /as text/],
      ['no-zero', bytes.filter((byte) => byte !== 0), /当作文本/, /as text/],
      ['ascii', bytes.map((byte) => (byte < 128 ? byte : 63)), /当作文本/, /as text/],
      ['hexdump', '00000000: 5047 444d 5001 0e00 0408 0101  PGDMP.......\n', /普通文本/, /plain text/],
      ['tar-gz', gzipSync(tar('toc.dat')), /gunzip.*pg_restore/, /unpack it by gunzip.*pg_restore/],
      ['directory-tgz', gzipSync(tar('fd/toc.dat')), /tar -xf 解包.*pg_restore -Fd/, /tar -xf, and restore.*pg_restore -Fd/],
      ['volume', tar('pgdata/PG_VERSION'), /数据目录/, /data directory/],
      ['base-gz', gzipSync(tar('backup_label')), /pg_basebackup/, /pg_basebackup.*same major version/],
      ['message', 'pg_dump: error: connection to server failed\n', /报错/, /dump that failed/],
      ['header', bytes.subarray(0, 8), /文件头.*比较.*大小.*8 bytes/, /its header is complete.*compare the sizes.*8 bytes/],
      ['some', bytes.subarray(0, 100), /截断|没有传完.*比较.*大小.*100/, /complete: it was cut short.*compare the sizes.*100/],
      ['most', bytes.subarray(0, 500), /目录.*没有传完.*比较.*大小.*500/, /its table of contents is complete.*compare the sizes.*500/],
      ['short', bytes.subarray(0, bytes.length - 4), /截断|不完整/, /cut short/],
    ]) {
      const named = file(`${name}.dump`, content);
      for (const [language, words] of [['zh', zh], ['en', en]]) {
        const { code, stderr } = await cli(['verify', named], { env: { LANG: language === 'zh' ? 'zh_CN.UTF-8' : 'C.UTF-8' } });
        assert.deepEqual([name, code], [name, 3]);
        assert.match(stderr, words, name);
      }
    }
  });

  test('a named pipe that nobody writes to is refused at once', async () => {
    execFileSync('mkfifo', [path.join(dir, 'pipe')]);
    const { code, stderr } = await cli(['verify', path.join(dir, 'pipe')], { env: { LANG: 'C.UTF-8' } });
    assert.equal(code, 3);
    assert.match(stderr, /from a pipe, write -/);
  });

  test('a dump in directory format is called one', async () => {
    mkdirSync(path.join(dir, 'fd'));
    file('fd/toc.dat', 'PGDMP');
    const { code, stderr } = await cli(['verify', path.join(dir, 'fd')]);
    assert.equal(code, 3);
    assert.match(stderr, /pg_restore -Fd/);
  });

  test('what is sent over HTTP is called by its name, and nothing is kept', async () => {
    const { status, body } = await upload(service, { data: Buffer.from('-- MySQL dump 10.13\n'), headers: { 'accept-language': 'en' } });
    assert.equal(status, 400);
    assert.equal(body.errorCode, 'archive.not_custom_format');
    assert.match(body.error, /MySQL/);
    noFilesLeft();
  });

  test('gzip, zstd and ZIP around an archive are read: by verify, inspect, an import and an upload', async () => {
    for (const [name, content] of Object.entries(wrapped)) {
      const named = file(name, content);
      const { code, stdout, stderr } = await cli(['verify', '--json', named]);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).rows, 3000, name);
      assert.equal((await cli(['inspect', named])).code, 0);
      const { status, events } = await upload(service, { data: content, filename: name });
      assert.deepEqual([name, status, events?.at(-1).type], [name, 200, 'complete']);
      assert.equal(await database.value('SELECT count(*) FROM fruit'), '3000');
      await database.exec('DROP TABLE fruit');
    }
    noFilesLeft();
  });

  test('the beginning of a wrapped archive shows its table of contents, or says how much more to send', async () => {
    const inspect = async (body, query = '') => {
      const response = await service.fetch(`/api/admin/database/import:inspect${query}`, {
        method: 'POST', body, headers: { 'content-type': 'application/octet-stream', 'accept-language': 'en' },
      });
      return response.json();
    };
    const { entries, database: from } = await inspect(bytes);
    for (const [name, content] of Object.entries(wrapped)) {
      const whole = await inspect(content.subarray(0, content.length - 10), `?fileSize=${content.length}`);
      assert.deepEqual([whole.complete, whole.entries, whole.database], [true, entries, from], `${name}: ${JSON.stringify(whole)}`);
      const part = await inspect(content.subarray(0, 300));
      assert.deepEqual([part.complete, part.needsMoreBytes > 300], [false, true], `${name}: ${JSON.stringify(part)}`);
    }
    const other = await inspect(gzipSync('-- PostgreSQL database dump\n'));
    assert.equal(other.errorCode, 'archive.not_custom_format');
    noFilesLeft();
  });

  test('zero bytes behind an archive are passed over with a warning, in every way of reading it', async () => {
    const padded = Buffer.concat([bytes, Buffer.alloc(100_000)]);
    const named = file('padded.dump', padded);
    const { code, stdout, stderr } = await cli(['verify', '--json', named]);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).paddingBytes, 100_000);
    for (const cleanFirst of ['false', 'true']) {
      const { events } = await upload(service, { data: padded, fields: { cleanFirst }, headers: { 'accept-language': 'en' } });
      assert.equal(events.at(-1).type, 'complete', events.at(-1).message);
      assert.ok(events.some(({ message }) => /100000 zero bytes/.test(message)));
      assert.equal(await database.value('SELECT count(*) FROM fruit'), '3000');
    }
    await database.exec('DROP TABLE fruit');
  });

  test('standard input is read, by its contents', async () => {
    for (const input of [bytes, wrapped['a.dump.gz']]) {
      const verified = await cli(['verify', '-', '--json'], { input });
      assert.equal(verified.code, 0, verified.stderr);
      assert.equal(JSON.parse(verified.stdout).rows, 3000);
      const inspected = await cli(['inspect', '-', '--json'], { input });
      assert.equal(inspected.code, 0, inspected.stderr);
    }
    assert.equal((await cli(['verify', '-'], { input: '' })).code, 3);
  });

  test('what unpacks to more than the limit is refused, and leaves no file', async () => {
    const small = await Service.start({ dsn: database.dsn, env: { MAX_UPLOAD_BYTES: 2_000_000 } });
    const bomb = gzipSync(Buffer.concat([bytes, Buffer.alloc(3_000_000)]));
    const { status, body } = await upload(small, { data: bomb, filename: 'a.dump.gz' });
    assert.deepEqual([status, body?.errorCode], [413, 'import.file_too_large']);
    assert.deepEqual(readdirSync(small.tempDir).filter((name) => name.startsWith('database_')), []);
  });

  test('a resumable upload of a wrapped archive is taken', async () => {
    const content = wrapped['a.dump.gz'];
    const location = await createUpload(service, content.length, { name: 'a.dump.gz' });
    assert.equal((await patch(service, location, 0, content)).status, 204);
    assert.equal((await tus(service, 'DELETE', location)).status, 204);
  });
});
