// Random databases of ten kinds. Our export, made while others write, is restored by stock pg_restore. Our import must equal
// pg_restore's result for the same archive.
//
//   PROPERTIES=20         number of databases of each kind (default: one of each of three kinds, in turn)
//   PROPERTIES_SEED=123   the first database's seed, to repeat a failure
//   PROPERTIES_KIND=names only this kind

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference } from './support/database.mjs';
import { archiveText, databaseText } from './support/dump_text.mjs';
import { importOk } from './support/product.mjs';
import { Random } from './support/random.mjs';
import { createRoles, kindNames, randomSql } from './support/random_database.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';
import { brokenAccounts, startWriters } from './support/writers.mjs';

const perKind = Number(process.env.PROPERTIES ?? 1);
const firstSeed = Number(process.env.PROPERTIES_SEED ?? Date.now() % 1_000_000_000);
const turn = firstSeed % kindNames.length;
const someKinds = process.env.PROPERTIES ? kindNames : [...kindNames.slice(turn), ...kindNames].slice(0, 3);
const kinds = process.env.PROPERTIES_KIND ? [process.env.PROPERTIES_KIND] : someKinds;
const dir = temporaryDirectory('properties');
const NOT_OURS = ['-N', 'cch_data'];
let server;

function assertSame(actual, expected, what) {
  const difference = firstDifference(actual, expected);
  assert.ok(difference === null, `${what}: ${difference}`);
}

// Exports while writers are active. Data that they do not touch is compared with pg_dump's archive byte by byte.
async function exportedAsByStock(source, file, rows) {
  const writers = await startWriters(source, { rows });
  const { code, stderr } = await cli(['export', file], { dsn: source.dsn });
  assert.ok((await writers.stop()) > 0);
  assert.equal(code, 0, stderr);
  const stock = await source.pgDump(`${file}.stock`, ...NOT_OURS);
  const written = (line) => !/^SELECT pg_catalog.setval\('live\./.test(line);
  const text = async (archive) => {
    const lines = (await archiveText(archive)).split('\n').filter(written);
    return lines.join('\n').replace(/^(COPY live\.\w+ .*)$[^]*?^\\\.$/gm, '$1');
  };
  assertSame(await text(file), await text(stock), 'our archive and pg_dump\'s');
}

async function restored(file, ...args) {
  const database = await Database.create(server);
  const { code, stderr } = await database.pgRestore(file, ...args);
  assert.equal(code, 0, stderr);
  return database;
}

// Imports into a new database and compares it with `expected`, which pg_restore made.
async function importedAs(expected, file, what, options) {
  const target = await Database.create(server);
  await importOk(target, file, options);
  assertSame(await databaseText(target, ...NOT_OURS), expected, what);
  await target.drop();
}

async function check(kind, seed) {
  const source = await Database.create(server);
  await source.exec(randomSql(kind, new Random(seed)));
  const file = path.join(dir, `${kind}-${seed}.dump`);
  // A table of 40 MB is read in pieces.
  await exportedAsByStock(source, file, kind === 'storage' ? 13_000 : 1000);
  await source.drop();

  const byStock = await restored(file);
  assert.deepEqual(await brokenAccounts(byStock), [], 'the export is not of one moment');
  await importedAs(await databaseText(byStock, ...NOT_OURS), file, 'merged into an empty database');
  await byStock.drop();

  const withoutOwners = await restored(file, '--no-owner');
  const expected = await databaseText(withoutOwners, ...NOT_OURS);
  await withoutOwners.drop();
  for (const method of ['transaction', 'swap']) {
    const args = ['--overwrite', '--method', method];
    await importedAs(expected, file, `overwritten by ${method}`, { args, env: { AUTO_MIGRATE: 'true', UNDO_KEEP: '0' } });
  }
}

describe('a random database', { skip: !haveBinary && 'no binary', concurrency: 2 }, () => {
  before(async () => {
    server = await startPostgres();
    await createRoles(server);
  });

  for (const kind of kinds) {
    for (let seed = firstSeed; seed < firstSeed + perKind; seed++) {
      test(`of the kind ${kind}, seed ${seed}`, () => check(kind, seed));
    }
  }
});
