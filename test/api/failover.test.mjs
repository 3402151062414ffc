// A failover of PostgreSQL: the DSN names a primary and its streaming replica. The primary is killed in the middle of an operation, and
// the replica is promoted. What is told of the operation is true, and the service goes on by itself. The replica is synchronous: an
// asynchronous one may lose what was told as done.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { signal, temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { readAnswer } from './support/http.mjs';
import { run, until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { startUpload } from './support/upload.mjs';

// After the promotion, as docs/operations.md says.
const AGAIN_MS = 15_000;

describe('a failover of PostgreSQL', { skip: !haveBinary && 'no binary' }, () => {
  const archive = path.join(temporaryDirectory('failover'), 'other.dump');
  let primary, database, service;

  before(async () => {
    primary = await startPostgres({ config: 'fsync = off\nsynchronous_commit = on' });
    database = await Database.create(primary, { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    // While the role "paused" exists, whatever cch-data writes into these indexes takes a minute.
    await database.exec(`
      CREATE FUNCTION pause(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('application_name') LIKE 'cch-data%' AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'paused') THEN
          PERFORM pg_catalog.pg_sleep(60);
        END IF;
        RETURN v;
      END $$;
      CREATE TABLE things (id integer PRIMARY KEY, v text); INSERT INTO things VALUES (1, 'here'), (2, 'too');
      CREATE INDEX ON things (pause(v)); CREATE INDEX ON users (pause(description)); CREATE INDEX ON model_prices (pause(model_name))`);
    const other = await Database.create(primary, { template: 'hub' });
    await other.exec(`INSERT INTO things VALUES (3, 'new')`);
    await other.pgDump(archive);
    await other.drop();
    // An export of which a client that does not read gets a part only.
    await database.exec(`CREATE TABLE large (v text); INSERT INTO large SELECT repeat('x', 1000000) FROM generate_series(1, 24)`);
  });
  after(() => service?.stop());

  const data = () => database.value(`SELECT md5(concat((SELECT string_agg(t::text, ',' ORDER BY id) FROM things AS t),
    (SELECT string_agg(u::text, ',' ORDER BY id) FROM users AS u), (SELECT string_agg(p::text, ',' ORDER BY id) FROM model_prices AS p)))`);
  const json = (target, body) => service.fetch(target, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  }).then(async (reply) => ({ status: reply.status, body: await reply.json() }), () => null);
  const importing = (fields) => startUpload(service, { file: archive, fields }).response.then(readAnswer).then(({ events, body }) => events?.at(-1)?.data ?? events?.at(-1) ?? body, () => null);
  const isAsleep = (n = 1) => until('the middle', async () => Number(await new Database(primary, 'postgres').value(
    `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)) >= n, 30_000);

  // Starts `begin`, which ends in the middle of the operations, kills the primary, promotes the replica, and checks what has to be true
  // after any failover. Returns what `begin` returned, and the seconds from the promotion until the service was well.
  async function failOver(begin) {
    await service?.stop();
    const replica = await primary.startReplica();
    // Only here: the replica has none of its own after its promotion.
    await database.exec(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
    await database.exec('SELECT pg_reload_conf()');
    const dsn = `postgresql://postgres@127.0.0.1:${primary.port},127.0.0.1:${replica.port}/hub?target_session_attrs=read-write`;
    service = await Service.start({ dsn, env: { CCH_DATA_BACKUP_RETRY_PAUSE: 1, CCH_DATA_TEMP_CLEANUP_INTERVAL: 1 } });
    const well = () => until('a service that is well', async () => (await service.fetch('/api/admin/backup-jobs')).status === 200 && (await service.fetch('/api/health')).status === 200, AGAIN_MS);
    await until('the migrations', () => service.log().includes('event=migrated'));
    const before = await data();
    await database.exec('CREATE ROLE paused');
    const begun = await begin();
    signal(primary.pid, 'SIGKILL');
    await until('the end of the primary', () => run('psql', ['-c', 'SELECT 1'], { env: primary.env('hub') }).then(({ code }) => code !== 0));
    primary = replica;
    database = new Database(replica, 'hub');
    await database.exec('SELECT pg_promote()');
    await database.exec('DROP ROLE paused');
    const promoted = Date.now();
    await well();
    const seconds = (Date.now() - promoted) / 1000;
    const told = await Promise.all(begun.map((one) => Promise.race([one, new Promise((resolve) => setTimeout(resolve, 30_000, 'nothing').unref())])));
    return { told, before, seconds, dsn };
  }

  // Nothing is left over, and the next operation may begin.
  async function assertIsFree({ dsn }) {
    let ended;
    await until('the lock', async () => (ended = await cli(['export', '-', '--ledger-only'], { dsn })).code === 0, AGAIN_MS)
      .catch((error) => assert.fail(`${error.message}: ${ended.stderr}`));
    await until('no database beside the live one', async () =>
      (await database.value(`SELECT count(*) FROM pg_database WHERE starts_with(datname, 'hub_cch_')`)) === '0', AGAIN_MS);
    assert.deepEqual([service.tempFiles(), service.children()], [[], []]);
  }

  test('in an export, a batch and an upload of prices: a broken download, refusals, and nothing has changed', async (t) => {
    const found = await failOver(async () => {
      const download = await service.fetch('/api/admin/database/export?compression=none');
      assert.equal(download.status, 200);
      const batch = json('/api/v1/users:batchUpdate', { userIds: [1, 2], updates: { note: 'changed' } });
      const prices = json('/api/v1/model-prices:upload', { content: JSON.stringify({ 'a-model': { mode: 'chat', input_cost_per_token: 1 } }) });
      await isAsleep(2);
      return [batch, prices, (async () => {
        await Promise.all([batch, prices]); // read only when the primary is gone
        return download.arrayBuffer().then(() => 'whole', () => 'broken');
      })()];
    });
    t.diagnostic(`well ${found.seconds} s after the promotion; ${JSON.stringify(found.told)}`);
    const [batch, prices, download] = found.told;
    assert.equal(download, 'broken');
    for (const { status, body } of [batch, prices]) assert.ok(status >= 500 && body.errorCode, JSON.stringify(body));
    assert.equal(await data(), found.before);
    await assertIsFree(found);
  });

  for (const [what, fields] of [['an overwrite by swap', { cleanFirst: 'true', method: 'swap' }], ['a merge', { cleanFirst: 'false' }]])
    test(`in ${what}: a failure, and the data is as before`, async (t) => {
      const found = await failOver(async () => {
        const ended = importing(fields);
        await isAsleep();
        return [ended];
      });
      const [last] = found.told;
      t.diagnostic(`well ${found.seconds} s after the promotion; ${JSON.stringify(last)}`);
      assert.equal(last.type, 'error', JSON.stringify(last));
      assert.ok(['database.unavailable', 'database.connection_lost', 'import.outcome_unknown'].includes(last.errorCode), JSON.stringify(last));
      assert.equal(await data(), found.before);
      await assertIsFree(found);
    });

  test('in a scheduled backup: it is tried again, and what is listed as stored is whole', async (t) => {
    let id;
    const session = database.session();
    t.after(() => session.close());
    const found = await failOver(async () => {
      await session.exec('BEGIN; LOCK TABLE things');
      const [job] = (await (await service.fetch('/api/admin/backup-jobs')).json()).jobs;
      id = (await json(`/api/admin/backup-jobs/${job.id}/run`, {})).body.runId;
      await until('the middle', async () => (await database.value(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)) !== '0');
      return [];
    });
    const ended = await until('the end of the run', async () => {
      const answer = await (await service.fetch(`/api/admin/backup-runs/${id}`)).json();
      return answer.endedAt !== null && answer;
    }, 45_000, 200);
    t.diagnostic(`well ${found.seconds} s after the promotion; ${ended.state}`);
    const { backups } = await (await service.fetch('/api/admin/backups')).json();
    if (ended.state === 'succeeded') {
      assert.equal(backups.length, 1);
      const verified = await cli(['backup', 'verify', 'latest'], { dsn: found.dsn, env: { CCH_DATA_DATA_DIR: service.dataDir } });
      assert.equal(verified.code, 0, verified.stderr);
    } else {
      assert.equal(ended.state, 'failed');
      assert.deepEqual(backups.filter(({ state }) => state !== 'damaged'), []);
    }
    await assertIsFree(found);
  });
});
