// Overwriting with an incomplete archive: refused, with tables and rows, unless requested.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { assertRefused, importByCli, importOk, previewByCli, warnings } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('incomplete');
let n = 0;
let server;
let source;

// The hub's own migrations are recorded, so that ours leave its tables alone.
const HUB = `
  CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id integer PRIMARY KEY);
  CREATE TABLE users (id integer PRIMARY KEY, name text UNIQUE);
  CREATE TABLE keys (id integer PRIMARY KEY, user_id integer REFERENCES users);
  CREATE TABLE message_request (id bigint PRIMARY KEY);
  CREATE TABLE empty_here (id integer PRIMARY KEY);
  CREATE SCHEMA other; CREATE TABLE other.notes (id integer PRIMARY KEY);`;
const ROWS = `
  INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 50) i; INSERT INTO keys SELECT i, i FROM generate_series(1, 7) i;
  INSERT INTO message_request SELECT generate_series(1, 30); INSERT INTO other.notes VALUES (1), (2);`;

async function live() {
  const database = await Database.create(server);
  await database.exec(HUB + ROWS);
  await cli(['migrate'], { dsn: database.dsn });
  return database;
}

const archive = (...args) => source.pgDump(path.join(dir, `${++n}.dump`), ...args);
const ways = ['swap', 'transaction'];
const by = (method, ...more) => ({ overwrite: true, args: ['--method', method, ...more], env: { AUTO_MIGRATE: 'true' } });

async function assertLossesRefused(file, expected) {
  const database = await live();
  for (const method of ways) {
    const { last } = await assertRefused(database, file, 'import.incomplete_archive', 7, by(method));
    for (const text of expected) assert.ok(last.message.includes(text), `${text} is not in ${last.message}`);
    assert.match(last.message, /allowIncomplete=true.*--allow-incomplete/);
  }
  const { preview } = await previewByCli(database, file, { args: ['--overwrite'] });
  for (const text of expected)
    assert.ok(preview.warnings.some((warning) => warning.includes(text)), `${text} is not in ${preview.warnings.join('\n')}`);
  await database.drop();
  return preview;
}

describe('overwriting with an archive that is not whole', { skip: !haveBinary && 'no binary' }, () => {
  before(async () => {
    server = await startPostgres();
    source = await live();
  });

  test('without any rows is refused with tables and counts', async () => {
    const preview = await assertLossesRefused(await archive('--schema-only'), ['public.users: 50', 'public.keys: 7', 'other.notes: 2']);
    assert.equal(preview.live.role, 'postgres');
    assert.equal(preview.live.superuser, true);
    assert.match(preview.trust, /postgres/);
    const users = preview.tables.find(({ table }) => table === 'public.users');
    assert.match(users.problem, /50/);
    assert.equal(preview.tables.find(({ table }) => table === 'public.message_request').problem, null);
  });

  test('without the rows of one table is refused', async () => {
    await assertLossesRefused(await archive('--exclude-table-data=public.users'), ['public.users: 50']);
  });

  test('without one table goes on, with a warning: a newer version may have added it', async () => {
    const database = await live();
    const { events } = await importOk(database, await archive('--exclude-table=public.keys'), by('transaction'));
    assert.ok(warnings(events).some((text) => text.includes('public.keys')), warnings(events).join('\n'));
    await database.drop();
  });

  test('without indexes and keys is refused', async () => {
    await assertLossesRefused(await archive('--section=pre-data', '--section=data'), [' 8 ']);
  });

  test('goes on when that is allowed, with warnings that count', async () => {
    const file = await archive('--schema-only');
    for (const method of ways) {
      const database = await live();
      const { events } = await importOk(database, file, by(method, '--allow-incomplete'));
      assert.ok(warnings(events).some((text) => text.includes('public.users: 50')), warnings(events).join('\n'));
      assert.equal(await database.count('users'), 0);
      await database.drop();
    }
  });

  test('the log alone may be left out, with a warning that counts', async () => {
    const file = await archive('--exclude-table-data=public.message_request');
    for (const method of ways) {
      const database = await live();
      const { events } = await importOk(database, file, by(method));
      assert.ok(warnings(events).some((text) => text.includes('30')));
      assert.equal(await database.count('users'), 50);
      assert.equal(await database.count('message_request'), 0);
      await database.drop();
    }
  });

  test('empty tables of the archive are no loss that needs a word: it says that they are empty', async () => {
    const other = await Database.create(server);
    await other.exec(HUB);
    const file = await other.pgDump(path.join(dir, `${++n}.dump`));
    const database = await live();
    await importOk(database, file, by('transaction'));
    assert.equal(await database.count('users'), 0);
    await database.drop();
    await other.drop();
  });

  test('a merge takes nothing away, and has nothing to allow', async () => {
    const database = await live();
    await importOk(database, await archive('--schema-only'));
    assert.equal(await database.count('users'), 50);
    const { code } = await importByCli(database, await archive(), { args: ['--allow-incomplete'] });
    assert.equal(code, 2);
    await database.drop();
  });
});

describe('a preview by a role that may not read a table', { skip: !haveBinary && 'no binary' }, () => {
  test('fails for the missing permission, and blames no value', async () => {
    server ??= await startPostgres();
    const database = await live();
    await database.exec(`CREATE ROLE reads_little LOGIN; GRANT USAGE ON SCHEMA public, other, drizzle TO reads_little;
      GRANT SELECT ON keys, message_request, empty_here, other.notes, drizzle.__drizzle_migrations TO reads_little`);
    const file = await database.pgDump(path.join(dir, `${++n}.dump`));
    const { code, stdout, stderr } = await cli(['import', '--dry-run', '--json', file], { dsn: server.dsn(database.name, 'reads_little') });
    assert.equal(code, 6, `${stdout}\n${stderr}`);
    assert.match(stderr, /public\.users.*permission denied for table users/);
    await database.drop();
  });
});
