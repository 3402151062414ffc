// Overwriting by swap: the archive is loaded into a new database while the live one stays in use; then both are renamed.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, firstDifference, fixture } from './support/database.mjs';
import { assertUnchanged, importByCli } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('swap');

describe('an overwrite by swap', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  let admin;
  const hubs = {};
  let counter = 0;

  before(async () => {
    server = await startPostgres();
    admin = new Database(server, 'postgres');
    for (const version of ['v05', 'v09']) {
      const database = await Database.create(server, { name: `hub_${version}` });
      await database.execFile(fixture(`hub-${version}.sql`));
      hubs[version] = { template: database.name, archive: await database.pgDump(path.join(dir, `${version}.dump`)) };
    }
  });

  const hub = (version, options) => Database.create(server, { template: hubs[version].template, ...options });
  const quoted = (name) => `'${name.replaceAll("'", "''")}'`;
  const sides = async () =>
    (await admin.rows(`SELECT datname FROM pg_database WHERE datname ~ '_cch_(new|old)_[0-9a-f]{16}$' ORDER BY 1`)).flat();
  const keptOf = (database) =>
    database.rows(`SELECT name, reason FROM cch_data.databases WHERE kind = 'kept' ORDER BY made_at DESC`);
  // AUTO_MIGRATE is on: the swap needs our own schema.
  const overwrite = (database, file, { method = 'swap', env = {}, ...options } = {}) =>
    importByCli(database, file, { args: ['--overwrite', '--method', method], env: { AUTO_MIGRATE: 'true', ...env }, ...options });
  const overwriteOk = async (...args) => {
    const result = await overwrite(...args);
    assert.equal(result.last?.type, 'complete', `import failed: ${JSON.stringify(result.last)}\n${result.stderr}`);
    return result;
  };
  const phases = (events) => [...new Set(events.map((event) => event.phase))];

  test('gives what the way by one transaction gives, and what pg_restore gives', async () => {
    const [bySwap, byTransaction, byRestore] = [await hub('v09'), await hub('v09'), await Database.create(server)];
    const { events } = await overwriteOk(bySwap, hubs.v05.archive);
    assert.ok(phases(events).includes('swap'));
    const other = await overwriteOk(byTransaction, hubs.v05.archive, { method: 'transaction' });
    assert.ok(!phases(other.events).includes('swap'));
    const restored = await byRestore.pgRestore(hubs.v05.archive, '--no-owner');
    assert.equal(restored.code, 0, restored.stderr);
    const without = ['--exclude-schema=cch_data'];
    const text = await bySwap.dumpText(...without);
    assert.equal(firstDifference(text, await byTransaction.dumpText(...without)), null);
    assert.equal(firstDifference(text, await byRestore.dumpText(...without)), null);
    const own = ['--schema=cch_data', '--schema-only'];
    assert.equal(firstDifference(await bySwap.dumpText(...own), await byTransaction.dumpText(...own)), null);
  });
});
