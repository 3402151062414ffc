// Databases that are not in UTF-8, with names that are not ASCII: an archive's strings are in the encoding of the dumped
// database, independently of our encoding and the target's.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { assertRefused, importByCli, importOk, previewByCli } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { upload } from './support/upload.mjs';

process.env.PGCLIENTENCODING = 'UTF8'; // for the stock programs; ours do not see it
const dir = temporaryDirectory('encodings');

// Each encoding with a text that it can represent; `bytes` is not valid text in any encoding.
const encodings = [
  { encoding: 'LATIN1', word: 'naïve' },
  { encoding: 'EUC_JP', word: 'あい' },
  { encoding: 'WIN1251', word: 'Щи' },
  { encoding: 'SQL_ASCII', word: 'naïve', bytes: `E'\\xe9\\xff\\x80'` },
];

const options = (encoding) => ({ options: `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C'` });

// A hash of the stored bytes, without any conversion.
const CONTENTS = (table) => `SELECT md5(string_agg(md5(v), ',' ORDER BY id)) FROM ${table}`;

describe('in another encoding', { skip: !haveBinary && 'no binary' }, () => {
  let server;

  before(async () => {
    server = await startPostgres();
  });

  const fill = (database, { word, bytes = `'${word}'` }) => database.exec(`
    CREATE SCHEMA "s ${word}";
    CREATE TABLE "s ${word}"."t ${word}" (id serial PRIMARY KEY, v text DEFAULT '${word}', "c ${word}" integer CHECK ("c ${word}" > 0));
    COMMENT ON TABLE "s ${word}"."t ${word}" IS '${word}';
    CREATE VIEW "v ${word}" AS SELECT v FROM "s ${word}"."t ${word}";
    INSERT INTO "s ${word}"."t ${word}" (v, "c ${word}") SELECT ${bytes} || i, i FROM generate_series(1, 500) AS i`);

  const dump = (database, { bytes }) =>
    database.dumpText('-N', 'cch_data', '--exclude-table-data=*.audit_log', '-E', bytes ? 'SQL_ASCII' : 'UTF8');

  for (const one of encodings) {
    test(`${one.encoding}: exported and imported in every way, it stays what it is`, async () => {
      const source = await Database.create(server, options(one.encoding));
      await fill(source, one);
      const table = `"s ${one.word}"."t ${one.word}"`;
      const file = path.join(dir, `${one.encoding}.dump`);
      const { code, stderr } = await cli(['export', file], { dsn: source.dsn });
      assert.equal(code, 0, stderr);
      const [text, contents] = [await dump(source, one), await source.value(CONTENTS(table))];
      const target = await Database.create(server, options(one.encoding));
      for (const args of [[], ['--on-conflict', 'update'], ['--overwrite', '--method', 'transaction'], ['--overwrite', '--method', 'swap'], ['--on-conflict', 'fail']]) {
        await importOk(target, file, { args, env: { UNDO_KEEP: '0', AUTO_MIGRATE: 'true' } });
        assert.equal(await target.value(CONTENTS(table)), contents, args.join(' '));
        assert.equal(await dump(target, one), text, args.join(' '));
      }
      const preview = await cli(['import', '--dry-run', '--json', file], { dsn: target.dsn });
      assert.equal(preview.code, 0, preview.stderr);
      const [compared] = JSON.parse(preview.stdout.trim().split('\n').at(-1)).tables;
      assert.deepEqual([compared.identical, compared.different, compared.added], [500, 0, 0]);
    });
  }

  test('bytes that are no text are refused in UTF-8, with row and column, and an export of them says so', async () => {
    const source = await Database.create(server, { options: `ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'` });
    await source.exec(`
      CREATE TABLE t (id integer PRIMARY KEY, v text, "Wort" text);
      INSERT INTO t VALUES (7, 'fine', 'naïve'), (8, 'x', E'caf\\xe9'), (9, E'\\xff', NULL)`);
    const archive = await source.pgDump(path.join(dir, 'ascii.dump'), '-E', 'SQL_ASCII');
    const target = await Database.create(server);
    const good = path.join(dir, 'good.dump');
    for (const args of [[], ['--overwrite', '--method', 'swap'], ['--overwrite', '--method', 'transaction']]) {
      const { code, last } = await importByCli(target, archive, { args, env: { AUTO_MIGRATE: 'true' } });
      assert.deepEqual([code, last.errorCode], [7, 'import.invalid_text'], JSON.stringify(last));
      assert.match(last.message, /public\.t: row 2, column Wort/);
      assert.equal(await target.value(`SELECT to_regclass('t')`), null);
    }
    const { preview: ofNew } = await previewByCli(target, archive);
    assert.deepEqual([ofNew.tables[0].new, ofNew.tables[0].compared], [true, false]);
    assert.match(ofNew.tables[0].problem, /row 2, column Wort/);
    const service = await Service.start({ dsn: target.dsn });
    for (const [language, words] of [['en', /Text of the archive is not valid.*public\.t: row 2, column Wort/], ['zh-CN', /不是数据库编码的有效文本.*public\.t: row 2, column Wort/]]) {
      const { events } = await upload(service, { file: archive, headers: { 'accept-language': language } });
      assert.deepEqual([events.at(-1).type, events.at(-1).errorCode, events.at(-1).exitCode], ['error', 'import.invalid_text', 7]);
      assert.match(events.at(-1).message, words);
    }
    await service.stop();
    await target.exec(`CREATE TABLE t (id integer PRIMARY KEY, v text, "Wort" text); INSERT INTO t VALUES (7, 'here', '')`);
    await assertRefused(target, archive, 'import.invalid_text', 7);
    const { preview } = await previewByCli(target, archive);
    assert.match(preview.tables[0].problem, /row 2, column Wort/);

    // As older tools put it in: the server does not check what comes as SQL_ASCII.
    await target.exec('DROP TABLE t');
    await target.pgRestore(archive);
    const bad = await cli(['export', '--json', path.join(dir, 'bad.dump')], { dsn: target.dsn });
    assert.equal(bad.code, 0, bad.stderr);
    assert.match(JSON.parse(bad.stdout).warnings[0], /public\.t: 2 rows .*column Wort, its first field is 8/);
    await target.exec(`UPDATE t SET v = 'y', "Wort" = 'z' WHERE id > 7`);
    const fine = await cli(['export', '--json', good], { dsn: target.dsn });
    assert.equal(JSON.parse(fine.stdout).warnings, undefined, fine.stdout);
  });

  test('an archive in LATIN1 becomes UTF-8 in a database of that', async () => {
    const [one] = encodings;
    const target = await Database.create(server);
    const file = path.join(dir, 'LATIN1.dump');
    for (const args of [[], ['--overwrite', '--method', 'swap'], ['--overwrite', '--method', 'transaction']]) {
      await importOk(target, file, { args, env: { UNDO_KEEP: '0', AUTO_MIGRATE: 'true' } });
      assert.equal(await target.value(`SELECT string_agg(DISTINCT rtrim(v, '0123456789'), ',') FROM "s ${one.word}"."t ${one.word}"`), one.word);
    }
    const service = await Service.start({ dsn: target.dsn });
    const { readFileSync } = await import('node:fs');
    const answer = await (await service.fetch('/api/admin/database/import:inspect', {
      method: 'POST', body: readFileSync(file), headers: { 'content-type': 'application/octet-stream' },
    })).json();
    assert.deepEqual([answer.complete, answer.live?.database, answer.warnings], [true, target.name, []]);
    await service.stop();
  });
});
