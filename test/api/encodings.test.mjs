// Databases that are not in UTF-8, with names that are not ASCII: an archive's strings are in the encoding of the dumped
// database, independently of our encoding and the target's.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { importOk } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

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
