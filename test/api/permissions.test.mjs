// The role of docs/permissions.md, made as it stands there: what it is for succeeds, and an import is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

const document = readFileSync(new URL('../../docs/permissions.md', import.meta.url), 'utf8');
const recipe = /^```sql\n(CREATE ROLE cch_data [\s\S]*?)^```$/m.exec(document)[1];
const dir = temporaryDirectory('permissions');
const file = path.join(dir, 'hub.dump');

describe('a role of its own', { skip: !haveBinary && 'no binary' }, () => {
  let server, database, dsn, service;

  before(async () => {
    server = await startPostgres();
    database = await Database.create(server, { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    await database.exec(recipe);
    dsn = server.dsn('hub', 'cch_data');
    service = await Service.start({ dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.statistics_owed')`));
  });
  after(() => service?.stop());

  const ok = async (args) => {
    const { code, stdout, stderr } = await cli(args, { dsn, env: { CCH_DATA_DATA_DIR: service.dataDir } });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };

  test('exports, verifies and previews', async () => {
    await ok(['export', file]);
    await ok(['verify', file]);
    await ok(['import', '--dry-run', '--overwrite', file]);
  });

  test('changes prices, users, keys and providers, and takes it back', async () => {
    await ok(['prices', 'set', 'a-model', 'mode=chat', 'input_cost_per_token=3e-6']);
    await ok(['prices', 'set', 'a-model', 'input_cost_per_token=4e-6']);
    await ok(['prices', 'delete', 'a-model']);
    for (const [entity, change] of [['users', 'rpm=7'], ['keys', 'limit5hUsd=7'], ['providers', 'weight=7']]) {
      const done = await ok(['batch', entity, '--where', entity === 'providers' ? 'enabled=true' : 'status=active', '--set', change, '--yes', '--json']);
      const { operationId } = done.trim().split('\n').map((line) => JSON.parse(line)).find(({ type }) => type === 'batch');
      await ok(['batch', 'undo', '--yes', operationId]);
    }
    assert.notEqual(await database.count('audit_log'), 0);
  });

  test('makes backups by schedule, and drills them', async () => {
    await ok(['backup', 'run', 'daily']);
    await ok(['backup', 'drill']);
    assert.equal(await database.value('SELECT proof FROM cch_data.backups'), 'drill');
  });

  test('imports nothing', async () => {
    const before = await database.dumpText('-N', 'cch_data');
    for (const args of [[], ['--overwrite', '--method', 'transaction']]) {
      const { code, stderr } = await cli(['import', '--yes', ...args, file], { dsn });
      assert.notEqual(code, 0);
      assert.match(stderr, /permission|owner/);
    }
    assert.equal(await database.dumpText('-N', 'cch_data'), before);
  });
});
