// inspect and verify of files: without a manifest, with a matching one, and with another one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('inspect');
const archive = path.join(dir, 'a.dump');
const beside = `${archive}.manifest.json`;

async function json(...args) {
  const { code, stdout, stderr } = await cli([...args, '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

// The manifest of an archive, from the results of verify.
async function manifestOf(file) {
  const bytes = readFileSync(file);
  const { blocks } = await json('verify', file);
  return {
    format: 'cch-data manifest',
    version: 1,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    tables: blocks.map(({ name, rows, bytes: size, rowHash }) => {
      const [schema, table] = name.split('.');
      return { schema, name: table, rows, bytes: size, rowHash };
    }),
  };
}

describe('inspect and verify', { skip: !haveBinary && 'no binary' }, () => {
  let manifest;

  before(async () => {
    const database = await Database.create(await startPostgres());
    await database.exec(`
      CREATE TABLE many (id int, v text);
      INSERT INTO many SELECT i, 'value ' || i FROM generate_series(1, 5000) i;
      CREATE TABLE none (id int);
      CREATE VIEW seen AS SELECT * FROM many;
      CREATE SCHEMA drizzle;
      CREATE TABLE drizzle.__drizzle_migrations (id int);
      INSERT INTO drizzle.__drizzle_migrations SELECT generate_series(1, 119)`);
    await database.pgDump(archive);
    manifest = await manifestOf(archive);
  });

  const writeManifest = (change = {}, file = beside) => writeFileSync(file, JSON.stringify({ ...manifest, ...change }));
  const removeManifest = () => unlinkSync(beside);
  const changeTable = (name, change) => manifest.tables.map((table) => (table.name === name ? { ...table, ...change } : table));

  test('inspect counts rows and bytes', async () => {
    const { countsFrom, entries, compression, hubLevel } = await json('inspect', archive);
    assert.deepEqual(hubLevel, { migrations: 119, lastMigration: '0118_bright_sunspot', version: 'v0.9.0–v0.9.2' });
    assert.equal(countsFrom, 'data');
    assert.equal(compression, 'gzip');
    const counted = entries.filter((entry) => entry.rows !== undefined);
    assert.deepEqual(counted.map(({ name, rows }) => [name, rows]), [['__drizzle_migrations', 119], ['many', 5000], ['none', 0]]);
    const text = Array.from({ length: 5000 }, (_, i) => `${i + 1}\tvalue ${i + 1}\n`).join('');
    assert.equal(counted[1].bytes, text.length);
    assert.ok(counted[1].storedBytes < text.length);
    const { stdout } = await cli(['inspect', archive]);
    assert.match(stdout, /^migrations +119 \(0118_bright_sunspot, v0\.9\.0–v0\.9\.2\)$/m);
    assert.match(stdout, /^ +5000 +\d+ +\d+ {2}public\.many$/m);
  });

  test('inspect --toc lists the contents and unpacks nothing', async () => {
    const { countsFrom, entries } = await json('inspect', '--toc', archive);
    assert.equal(countsFrom, null);
    assert.ok(entries.some(({ kind, name }) => kind === 'VIEW' && name === 'seen'));
    assert.ok(entries.every(({ rows }) => rows === undefined));
    const cut = path.join(dir, 'cut.dump');
    writeFileSync(cut, readFileSync(archive).subarray(0, -10));
    assert.equal((await cli(['inspect', '--toc', cut])).code, 0);
    assert.equal((await cli(['inspect', cut])).code, 3);
  });

  test('inspect believes a manifest only if it is this file\'s', async () => {
    writeManifest();
    const counts = ({ entries }) => entries.filter(({ rows }) => rows !== undefined).map(({ name, rows, bytes }) => ({ name, rows, bytes }));
    const believed = await json('inspect', archive);
    assert.equal(believed.countsFrom, 'manifest');
    writeManifest({ sha256: '0'.repeat(64), tables: changeTable('many', { rows: 1 }) });
    const counted = await json('inspect', archive);
    assert.equal(counted.countsFrom, 'data');
    assert.deepEqual(counts(counted), counts(believed));
    removeManifest();
  });

  test('verify compares with the manifest beside the file or the named one', async () => {
    assert.equal((await json('verify', archive)).matchesManifest, null);
    writeManifest();
    assert.equal((await json('verify', archive)).matchesManifest, true);
    removeManifest();
    const elsewhere = path.join(dir, 'other.json');
    writeManifest({}, elsewhere);
    assert.equal((await json('verify', archive, '--manifest', elsewhere)).matchesManifest, true);
    assert.equal((await cli(['verify', archive, '--manifest', path.join(dir, 'absent.json')])).code, 1);
  });

  test('verify refuses what differs from the manifest, and says in what', async () => {
    for (const [change, message] of [
      [{ bytes: 5 }, /5/],
      [{ sha256: '0'.repeat(64) }, /SHA-256/],
      [{ tables: changeTable('many', { rows: 4999 }) }, /many.*5000.*4999/],
      [{ tables: changeTable('many', { rowHash: '0'.repeat(32) }) }, /many.*other rows/],
      [{ tables: manifest.tables.slice(0, 1) }, /none/],
      [{ tables: [...manifest.tables, { ...manifest.tables[0], name: 'ghost' }] }, /3 tables.*4/],
      [{ version: 2 }, /version 2/],
    ]) {
      writeManifest(change);
      const { code, stderr } = await cli(['verify', archive]);
      assert.equal(code, 3, JSON.stringify(change));
      assert.match(stderr, message);
    }
    removeManifest();
  });

  test('rows in another order and another compression have the same hash', async () => {
    const server = await startPostgres();
    const shuffled = await Database.create(server);
    await shuffled.exec(`
      CREATE TABLE many (id int, v text);
      INSERT INTO many SELECT i, 'value ' || i FROM generate_series(5000, 1, -1) i;
      CREATE TABLE none (id int)`);
    const file = path.join(dir, 'shuffled.dump');
    await shuffled.pgDump(file, '-Z0');
    assert.deepEqual((await manifestOf(file)).tables, manifest.tables.filter(({ schema }) => schema === 'public'));
  });

  test('an archive of a newer version is refused by naming it', async () => {
    const file = path.join(dir, 'newer.dump');
    copyFileSync(archive, file);
    const bytes = readFileSync(file);
    bytes[6] = 17;
    writeFileSync(file, bytes);
    const { code, stderr } = await cli(['inspect', file]);
    assert.equal(code, 3);
    assert.match(stderr, /1\.17/);
  });
});
