// Questions before an operation: inspecting an archive's first bytes, and estimating an export.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { readArchive } from './support/archive.mjs';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { assertIdle } from './support/idle.mjs';
import { runOk, until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';

const INSPECT = '/api/admin/database/import:inspect';
const ESTIMATE = '/api/admin/database/export:estimate';
const dir = temporaryDirectory('before');
const archive = path.join(dir, 'a.dump');

describe('before an operation', { skip: !haveBinary && 'no binary' }, () => {
  let server, database, service, bytes, toc;

  before(async () => {
    server = await startPostgres();
    database = await Database.create(server);
    await database.execFile(fixture('hub-v05.sql'));
    const source = await Database.create(server);
    await source.execFile(fixture('hub-v05.sql'));
    await source.exec(`
      CREATE ROLE stranger; CREATE TABLE extra (id int); GRANT SELECT ON extra TO stranger; DROP TABLE error_rules CASCADE;
      SELECT lo_from_bytea(0, 'x'); CREATE VIEW seen AS SELECT 1 AS one`);
    await source.pgDump(archive);
    await source.exec('DROP OWNED BY stranger; DROP ROLE stranger');
    bytes = readFileSync(archive);
    toc = readArchive(archive);
    service = await Service.start({ dsn: database.dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.migrations')`));
    await assertIdle(service, database);
  });

  const inspect = async (body, { query = '', type = 'application/octet-stream', headers = {}, on = service } = {}) => {
    const response = await on.fetch(INSPECT + query, { method: 'POST', body, headers: { 'content-type': type, 'accept-language': 'en', ...headers } });
    return { status: response.status, answer: await response.json() };
  };

  test('an archive says what it is, by the part that has its contents', async () => {
    const { status, answer } = await inspect(bytes.subarray(0, toc.tocEnd));
    assert.equal(status, 200);
    assert.deepEqual([answer.complete, answer.needsMoreBytes, answer.compression, answer.hasLogs, answer.hasLargeObjects], [true, null, 'gzip', true, true]);
    assert.equal(answer.entries, toc.entries.length);
    assert.match(answer.formatVersion, /^1\.1[4-6]$/);
    assert.match(answer.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    assert.equal(answer.live.database, database.name);
    const listed = (await runOk('pg_restore', ['-l', archive])).stdout;
    const names = [...listed.matchAll(/ TABLE (\S+) (\S+) \S+$/gm)].map(([, schema, name]) => `${schema}.${name}`).sort();
    assert.ok(names.length > 5);
    assert.deepEqual(answer.tables.map(({ schema, name }) => `${schema}.${name}`).sort(), names);
    assert.ok(answer.tables.every(({ hasData }) => hasData));
    await assertIdle(service, database);
  });

  test('it is held against the database: tables of one side, and roles that are not here', async () => {
    const { warnings } = (await inspect(bytes)).answer;
    assert.ok(warnings.some((text) => /extra/.test(text) && /would be made/.test(text)), warnings.join('\n'));
    assert.ok(warnings.some((text) => /error_rules/.test(text) && /lacks/.test(text)), warnings.join('\n'));
    assert.ok(warnings.some((text) => /stranger/.test(text)), warnings.join('\n'));
    const chinese = (await inspect(bytes, { headers: { 'accept-language': 'zh-CN' } })).answer.warnings;
    assert.equal(chinese.length, warnings.length);
    assert.ok(chinese.every((text) => /[一-鿿]/.test(text)));
  });

  test('an archive of a newer PostgreSQL is told apart', async () => {
    const newer = Buffer.from(bytes);
    const version = (await database.value('SHOW server_version')).split(' ')[0];
    const at = newer.indexOf(version);
    newer.write('99', at);
    const { answer } = await inspect(newer.subarray(0, toc.tocEnd));
    assert.ok(answer.warnings.some((text) => /99/.test(text)), answer.warnings.join('\n'));
  });

  test('wherever it is cut, it says how much more to send, and that is enough at last', async () => {
    const cuts = [1, 5, 11, 40, ...toc.entries.filter((_, i) => i % 25 === 3).map(({ start, end }) => (start + end) >> 1), toc.tocEnd - 1];
    for (const cut of cuts) {
      let { status, answer } = await inspect(bytes.subarray(0, cut));
      assert.equal(status, 200, `${cut}: ${JSON.stringify(answer)}`);
      assert.equal(answer.complete, false, String(cut));
      assert.ok(answer.tables.length <= toc.entries.length);
      for (let tries = 0, sent = cut; !answer.complete; tries++) {
        assert.ok(tries < 5 && answer.needsMoreBytes > sent, `${cut}: ${answer.needsMoreBytes}`);
        sent = answer.needsMoreBytes;
        ({ answer } = await inspect(bytes.subarray(0, sent)));
      }
      assert.equal(answer.entries, toc.entries.length);
    }
  });

  test('with its size known, nobody asks for more than there is, and an archive that is cut is refused', async () => {
    const cut = toc.tocEnd - 20;
    const known = (await inspect(bytes.subarray(0, cut), { query: `?fileSize=${bytes.length}` })).answer;
    assert.deepEqual([known.complete, known.needsMoreBytes <= bytes.length], [false, true]);
    for (const size of [40, cut]) {
      const { status, answer } = await inspect(bytes.subarray(0, size), { query: `?fileSize=${size}` });
      assert.deepEqual([status, answer.errorCode], [400, 'archive.corrupt'], String(size));
    }
    for (const query of ['?fileSize=x', '?fileSize=-1', '?fileSize=0', `?fileSize=${cut - 1}`, '?size=5']) {
      const { status, answer } = await inspect(bytes.subarray(0, cut), { query });
      assert.deepEqual([status, answer.errorCode], [400, 'request.validation_failed'], query);
    }
  });

  test('what is no archive, or of a version that is not known, is refused by name', async () => {
    const newer = Buffer.from(bytes);
    newer[6] = 17;
    const tar = Buffer.from(bytes);
    tar[10] = 3;
    const broken = Buffer.from(bytes);
    broken.fill(0xff, toc.entries[5].start, toc.entries[5].start + 40);
    for (const [body, code, details] of [
      [Buffer.from('hello'), 'archive.not_custom_format', /./],
      [Buffer.from('-- PostgreSQL database dump\n'), 'archive.not_custom_format', /./],
      [tar, 'archive.not_custom_format', /./],
      [newer, 'archive.unsupported_version', /1\.17/],
      [broken, 'archive.corrupt', /entry/],
      [Buffer.alloc(0), 'import.file_missing', /./],
    ]) {
      const { status, answer } = await inspect(body);
      assert.deepEqual([status, answer.errorCode], [400, code], body.subarray(0, 12).toString('latin1'));
      assert.match(answer.details, details);
    }
    assert.equal((await inspect(bytes, { type: 'application/json' })).status, 415);
    assert.equal((await inspect(Buffer.alloc(16 * 1024 * 1024 + 1, 'PGDMP'))).status, 413);
    assert.equal((await service.fetch(INSPECT, { method: 'POST', body: bytes, headers: { authorization: '' } })).status, 401);
    await assertIdle(service, database);
  });

  test('it needs no lock, and no database', async () => {
    const away = await Service.start({ dsn: database.dsn.replace(database.name, 'nowhere'), env: { AUTO_MIGRATE: 'false' } });
    const { status, answer } = await inspect(bytes, { on: away });
    assert.deepEqual([status, answer.complete, answer.live, answer.warnings], [200, true, null, []]);
    assert.equal((await away.fetch(ESTIMATE)).status, 503);
    await away.stop();
  });

  test('an export is estimated by what is usual, then by the exports before it', async () => {
    const estimate = async (query = '') => {
      const response = await service.fetch(ESTIMATE + query);
      return { status: response.status, ...(await response.json()) };
    };
    await database.exec('ANALYZE');
    const first = await estimate();
    assert.equal(first.status, 200);
    assert.deepEqual(first.estimates.map(({ compression }) => compression), ['none', 'fast', 'balanced', 'small']);
    assert.ok(first.estimates.every(({ basis, archiveBytes, seconds }) => basis === 'usual' && archiveBytes > 0 && seconds > 0));
    assert.ok(first.rows > 3000 && first.tableBytes > 100_000, JSON.stringify(first));
    const without = await estimate('?excludeLogs=true');
    assert.ok(without.tableBytes < first.tableBytes && without.rows < first.rows);

    const sizes = [];
    for (let i = 0; i < 2; i++) {
      const response = await service.fetch('/api/admin/database/export?compression=small');
      sizes.push((await response.arrayBuffer()).byteLength);
    }
    const { estimates: [learned], ...more } = await estimate('?compression=small');
    assert.equal(more.estimates, undefined);
    assert.deepEqual([learned.basis, learned.exports], ['exports', 2]);
    const middle = (sizes[0] + sizes[1]) / 2;
    assert.ok(Math.abs(learned.archiveBytes - middle) < middle / 50 + 2000, `${learned.archiveBytes} for ${sizes}`);
    assert.ok(learned.seconds < 10);
    const took = await database.rows(`SELECT duration_ms, relation_bytes FROM cch_data.exports`);
    assert.ok(took.every(([ms, size]) => Number(ms) > 0 && Number(ms) < 20_000 && Number(size) > 100_000), JSON.stringify(took));

    const other = await estimate('?compression=fast');
    assert.deepEqual(other.estimates.map(({ basis }) => basis), ['usual']);
    const noLogs = await estimate('?compression=small&mode=excludeLogs');
    assert.deepEqual(noLogs.estimates.map(({ basis }) => basis), ['usual']);
    assert.equal((await estimate('?compression=gzip')).status, 400);
    assert.equal((await fetch(service.url + ESTIMATE)).status, 401);
    await assertIdle(service, database);
  });

  test('a database whose exports have no durations yet still gives estimates, and keeps manifests', async () => {
    await database.exec('ALTER TABLE cch_data.exports DROP COLUMN duration_ms, DROP COLUMN relation_bytes');
    await (await service.fetch('/api/admin/database/export?compression=balanced')).arrayBuffer();
    await assertIdle(service, database);
    const kept = await database.value(`SELECT count(*) FROM cch_data.exports WHERE manifest ->> 'compression' = 'balanced'`);
    assert.equal(kept, '1');
    const response = await service.fetch(`${ESTIMATE}?compression=balanced`);
    assert.deepEqual((await response.json()).estimates.map(({ basis }) => basis), ['usual']);
  });
});
