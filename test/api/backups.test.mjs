// Scheduled backups: jobs, retention, proofs, and the way back, with a directory as destination.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, readdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { atExit, endSync, isRunning, signal, temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { runOk, until } from './support/run.mjs';
import { freePort, startPostgres } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';
import { allEvents } from './support/sse.mjs';

describe('scheduled backups', { skip: !haveBinary && 'no binary' }, () => {
  let database, service, postgres;

  before(async () => {
    postgres = await startPostgres();
    database = await Database.create(postgres, { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    await database.exec(`INSERT INTO users (name) SELECT 'user ' || i FROM generate_series(1, 2000) AS i`);
    service = await start();
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.notify_queue')`));
  });
  after(() => service?.stop());

  const start = (options) => Service.start({ dsn: database.dsn, env: { CCH_DATA_BACKUP_RETRY_PAUSE: 1 }, ...options });

  async function call(method, target, body, on = service) {
    const reply = await on.fetch(target, {
      method, headers: { 'accept-language': 'en', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await reply.text();
    return { status: reply.status, body: text === '' ? undefined : JSON.parse(text) };
  }
  async function ok(method, target, body) {
    const { status, body: answer } = await call(method, target, body);
    assert.ok(status < 300, `${method} ${target}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }
  const jobs = async () => (await ok('GET', '/api/admin/backup-jobs')).jobs;
  const backups = async (job) => (await ok('GET', `/api/admin/backups?job=${job}`)).backups;
  const runEnd = (id) => until(`run ${id}`, async () => {
    const run = await ok('GET', `/api/admin/backup-runs/${id}`);
    return run.endedAt !== null && run;
  }, 60_000);
  const allQuiet = () => until('no run', async () =>
    (await ok('GET', '/api/admin/backup-runs')).runs.every(({ state }) => state !== 'queued' && state !== 'running'), 60_000);
  async function destination(settings, more = {}) {
    const name = `d${Math.random().toString(36).slice(2, 8)}`;
    return ok('POST', '/api/admin/backup-destinations', { name, kind: 'directory', settings, ...more });
  }
  async function job(settings, more = {}) {
    const name = `j${Math.random().toString(36).slice(2, 8)}`;
    return ok('POST', '/api/admin/backup-jobs', { name, isEnabled: false, settings, ...more });
  }
  async function runJob(made) {
    const run = await runEnd((await ok('POST', `/api/admin/backup-jobs/${made.id}/run`)).runId);
    await allQuiet();
    return run;
  }

  test('one job is offered, and waits for somebody in a named database', async () => {
    const [daily] = await jobs();
    assert.equal(daily.name, 'daily');
    assert.deepEqual([daily.isEnabled, daily.isOffered, daily.settings.schedule], [false, true, '0 4 * * *']);
    assert.deepEqual(daily.settings.retention, { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 0, withinHours: 0, minimum: 1 });
    assert.equal(daily.nextTimes.length, 5);
  });

  test('a run makes a backup, keeps it, reads it back, and drills it', async () => {
    const [daily] = await jobs();
    await ok('PATCH', `/api/admin/backup-jobs/${daily.id}`, { isEnabled: true, settings: { drillDays: 30 } });
    const run = await runJob(daily);
    assert.equal(run.state, 'succeeded', JSON.stringify(run));
    const [backup, ...others] = await backups('daily');
    assert.equal(others.length, 0);
    assert.match(backup.name, /^backup_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.dump$/);
    assert.equal(backup.state, 'proven', JSON.stringify(await ok('GET', '/api/admin/backup-runs')));
    assert.equal(backup.proof, 'drill');
    assert.ok(backup.recoveryMs > 0);
    assert.deepEqual(backup.reasons.map(({ rule }) => rule).sort(), ['daily', 'minimum', 'monthly', 'newest', 'weekly']);
    assert.ok(backup.goesAt > new Date().toISOString());
    const folder = path.join(service.dataDir, 'backups', 'daily');
    assert.deepEqual(readdirSync(folder).sort(), [backup.name, `${backup.name}.manifest.json`]);
    // Stock pg_restore reads it, and no database of the drill is left.
    await runOk('pg_restore', ['--list', path.join(folder, backup.name)]);
    assert.equal(await database.value(`SELECT count(*) FROM pg_database WHERE datname LIKE 'hub\\_cch%'`), '0');
    assert.equal((await cli(['verify', path.join(folder, backup.name)])).code, 0);
    assert.deepEqual(readdirSync(path.join(service.dataDir, 'backup-runs')), []);
  });

  test('a damaged file is found, and pushes out nothing', async () => {
    const where = temporaryDirectory('backups');
    const made = await job({ destinations: [(await destination({ path: where })).id], retention: { last: 1 }, verifyDays: 1 });
    await runJob(made);
    const [good] = await backups(made.name);
    assert.equal(good.state, 'proven');
    assert.equal(good.proof, 'read');
    await ok('PATCH', `/api/admin/backup-jobs/${made.id}`, { settings: { verifyDays: 0 } });
    await runJob(made);
    const [newer] = await backups(made.name);
    assert.equal(newer.state, 'stored');
    assert.equal((await backups(made.name)).length, 2, 'what is unproven pushes out nothing that is proven');
    // One byte of the newer one changes.
    const file = path.join(where, made.name, newer.name);
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(file, bytes);
    const { runId } = await ok('POST', `/api/admin/backups/${newer.id}/verify`);
    const run = await runEnd(runId);
    assert.deepEqual([run.state, run.errorCode], ['failed', 'backup.damaged']);
    const states = (await backups(made.name)).map(({ state }) => state);
    assert.deepEqual(states, ['damaged', 'proven']);
    const refused = await call('DELETE', `/api/admin/backups/${good.id}`);
    assert.deepEqual([refused.status, refused.body.errorCode], [409, 'backup.last_good']);
    // Files that go and come back, and a stranger's file.
    writeFileSync(path.join(where, made.name, 'notes.txt'), 'mine');
    truncateSync(path.join(where, made.name, good.name), 10);
    await runEnd((await ok('POST', `/api/admin/backup-destinations/${good.destinationId}/scan`)).runId);
    assert.deepEqual((await backups(made.name)).map(({ state }) => state), ['damaged', 'damaged']);
    // What is damaged counts in no rule, and is left to people.
    await runJob(made);
    assert.deepEqual((await backups(made.name)).map(({ state, isKept }) => [state, isKept]), [['stored', true], ['damaged', true], ['damaged', true]]);
    assert.ok(existsSync(path.join(where, made.name, newer.name)));
    assert.equal((await call('DELETE', `/api/admin/backups/${newer.id}`)).status, 204);
    assert.ok(!existsSync(path.join(where, made.name, newer.name)));
    assert.ok(existsSync(path.join(where, made.name, 'notes.txt')));
  });

  test('retention deletes what no rule keeps, and keeps what is pinned', async () => {
    const made = await job({ destinations: [(await destination({ path: temporaryDirectory('backups') })).id], retention: { last: 1 }, verifyDays: 0 });
    const names = [];
    for (let i = 0; i < 3; i++) {
      const run = await runJob(made);
      assert.equal(run.state, 'succeeded', JSON.stringify(run));
      names.push(run.backup);
      const [newest] = await backups(made.name);
      if (i === 0) await ok('PATCH', `/api/admin/backups/${newest.id}`, { isPinned: true });
    }
    assert.deepEqual((await backups(made.name)).map(({ name }) => name), [names[2], names[0]]);
    const events = (await ok('GET', `/api/admin/backup-runs?job=${made.name}&limit=1`)).runs;
    const { log } = await ok('GET', `/api/admin/backup-runs/${events[0].id}`);
    assert.deepEqual(log.map(({ event }) => event), ['exported', 'stored', 'deleted']);
  });

  test('a place that is another one, and backups of others, are left alone', async () => {
    const where = temporaryDirectory('backups');
    const place = await destination({ path: where });
    const made = await job({ destinations: [place.id], retention: { last: 1 }, verifyDays: 1 });
    await runJob(made);
    const [backup] = await backups(made.name);
    assert.equal(backup.state, 'proven');
    // An empty folder in its place, as an unmounted disk leaves it.
    renameSync(path.join(where, made.name), path.join(where, 'elsewhere'));
    const scan = await runEnd((await ok('POST', `/api/admin/backup-destinations/${place.id}/scan`)).runId);
    assert.deepEqual([scan.state, scan.errorCode], ['failed', 'storage.unreachable']);
    assert.equal((await backups(made.name))[0].state, 'proven');
    renameSync(path.join(where, 'elsewhere'), path.join(where, made.name));
    // A newer one of another database, in the same folder: found, never pruned, and it pushes nothing out.
    const foreign = 'backup_2099-01-01T00-00-00.dump';
    copyFileSync(path.join(where, made.name, backup.name), path.join(where, made.name, foreign));
    await runEnd((await ok('POST', `/api/admin/backup-destinations/${place.id}/scan`)).runId);
    const found = (await backups(made.name)).find(({ name }) => name === foreign);
    assert.deepEqual([found.state, found.isKept, found.reasons], ['stored', true, [{ rule: 'found' }]]);
    await runJob(made);
    await runJob(made);
    assert.deepEqual((await backups(made.name)).map(({ name }) => name === foreign).sort(), [false, false, true]);
    assert.ok(existsSync(path.join(where, made.name, foreign)));
  });

  test('a pinned backup stays, and secrets do not follow to another address', async () => {
    const made = await job({ destinations: [(await destination({ path: temporaryDirectory('backups') })).id], retention: { last: 2 }, verifyDays: 0 });
    await runJob(made);
    await runJob(made);
    const [, older] = await backups(made.name);
    await ok('PATCH', `/api/admin/backups/${older.id}`, { isPinned: true });
    assert.equal((await call('DELETE', `/api/admin/backups/${older.id}`)).body.errorCode, 'backup.pinned');
    const dav = await destination({ url: 'http://127.0.0.1:9/', user: 'u' }, { kind: 'webdav', secrets: { password: 'p' } });
    const patch = (body) => call('PATCH', `/api/admin/backup-destinations/${dav.id}`, body);
    assert.equal((await patch({ settings: { url: 'http://127.0.0.2:9/', user: 'u' } })).status, 400);
    assert.equal((await patch({ settings: { url: 'http://127.0.0.1:9/', user: 'u', path: 'x' } })).status, 200);
    assert.equal((await patch({ settings: { url: 'http://127.0.0.2:9/', user: 'u' }, secrets: { password: 'q' } })).status, 200);
  });

  test('a job that this machine cannot read holds up no other, and can be removed', async () => {
    const made = await job({ destinations: [(await destination({ path: temporaryDirectory('backups') })).id], verifyDays: 0 });
    const odd = await job({ destinations: [made.settings.destinations[0]] });
    await database.exec(`UPDATE cch_data.backup_jobs SET settings = settings || '{"timeZone": "Mars/Olympus"}' WHERE id = ${odd.id}`);
    assert.ok(!(await jobs()).some(({ id }) => id === odd.id));
    assert.equal((await runJob(made)).state, 'succeeded');
    assert.equal((await call('DELETE', `/api/admin/backup-jobs/${odd.id}`)).status, 204);
  });

  test('a destination that fails is tried again, told, and holds up no other', async () => {
    const blocked = path.join(temporaryDirectory('blocked'), 'file');
    writeFileSync(blocked, 'not a directory');
    const bad = await destination({ path: path.join(blocked, 'below') }), good = await destination({ path: temporaryDirectory('backups') });
    const made = await job({ destinations: [bad.id, good.id], tries: 2, verifyDays: 0 });
    const run = await runJob(made);
    assert.equal(run.state, 'failed');
    const { log } = await ok('GET', `/api/admin/backup-runs/${run.id}`);
    assert.deepEqual(log.map(({ event }) => event), ['exported', 'try_failed', 'destination_failed', 'stored']);
    assert.deepEqual((await backups(made.name)).map(({ destination, state }) => [destination, state]).sort(),
      [[bad.name, 'made'], [good.name, 'stored']].sort());
    assert.equal(await database.value(`SELECT is_bad FROM cch_data.notify_states WHERE subject = 'job:${made.name}'`), 't');
    const tried = await ok('POST', `/api/admin/backup-destinations/${bad.id}/test`);
    assert.deepEqual([tried.ok, tried.failedAt], [false, 'write']);
    assert.equal((await ok('POST', `/api/admin/backup-destinations/${good.id}/test`)).ok, true);
    assert.equal((await call('DELETE', `/api/admin/backup-destinations/${good.id}`)).body.errorCode, 'backup.destination_used');
  });

  test('a disk that is not mounted is told until it is back; then all counts again', async () => {
    const where = temporaryDirectory('backups'), away = path.join(temporaryDirectory('away'), 'disk');
    const made = await job({ destinations: [(await destination({ path: where })).id], verifyDays: 0, retention: { last: 9 } });
    assert.equal((await runJob(made)).state, 'succeeded');
    renameSync(path.join(where, made.name), away);
    const run = await runJob(made);
    assert.deepEqual([run.state, run.errorCode], ['failed', 'storage.unreachable']);
    assert.match(run.message, /none of the 1 earlier backups on record lies there/);
    const states = async () => (await backups(made.name)).map(({ state }) => state);
    assert.deepEqual(await states(), ['missing', 'stored']);
    assert.equal((await runJob(made)).state, 'failed');
    assert.deepEqual(await states(), ['missing', 'missing', 'stored']);
    for (const name of readdirSync(away)) renameSync(path.join(away, name), path.join(where, made.name, name));
    assert.equal((await runJob(made)).state, 'succeeded');
    assert.deepEqual(await states(), ['stored', 'stored', 'stored', 'stored']);
  });

  test('a drill waits while this machine is busy', async () => {
    const made = await job({ destinations: [(await destination({ path: temporaryDirectory('backups') })).id], verifyDays: 0 });
    assert.equal((await runJob(made)).state, 'succeeded');
    const [backup] = await backups(made.name);
    const { runId } = await ok('POST', `/api/admin/backups/${backup.id}/drill`);
    assert.equal((await runEnd(runId)).state, 'succeeded');
    await allQuiet();
    const databases = await database.value('SELECT count(*) FROM pg_database');
    await service.stop();
    const careful = await start({ dataDir: service.dataDir, env: { CCH_DATA_DRILL_MAX_LOAD: 1 } });
    const { body: waiting } = await call('POST', `/api/admin/backups/${backup.id}/drill`, undefined, careful);
    await until('it waits', async () => (await call('GET', `/api/admin/backup-runs/${waiting.runId}`, undefined, careful)).body.progress?.phase === 'load');
    assert.equal(await database.value('SELECT count(*) FROM pg_database'), databases);
    assert.equal((await call('POST', `/api/admin/backup-runs/${waiting.runId}/cancel`, undefined, careful)).status, 202);
    await until('its end', async () => (await call('GET', `/api/admin/backup-runs/${waiting.runId}`, undefined, careful)).body.state === 'cancelled');
    await careful.stop();
    service = await start({ dataDir: service.dataDir });
  });

  test('an encrypted backup is opened by age alone, drilled before, and comes back with its key', async () => {
    const where = temporaryDirectory('backups');
    const { secretKey, publicKey } = await ok('POST', '/api/admin/backup-keys');
    const made = await job({ destinations: [(await destination({ path: where })).id], recipients: [publicKey], drillDays: 1 });
    const run = await runJob(made);
    assert.equal(run.state, 'succeeded', JSON.stringify(run));
    assert.ok(run.recoveryMs > 0);
    const [backup] = await backups(made.name);
    assert.deepEqual([backup.isEncrypted, backup.state, backup.proof], [true, 'proven', 'checksum']);
    const identity = path.join(temporaryDirectory('key', 0o700), 'key.txt');
    writeFileSync(identity, `${secretKey}\n`, { mode: 0o600 });
    const plain = path.join(temporaryDirectory('plain'), 'hub.dump');
    await runOk('age', ['-d', '-i', identity, '-o', plain, path.join(where, made.name, backup.name)]);
    await runOk('pg_restore', ['--list', plain]);
    assert.equal((await call('POST', `/api/admin/backups/${backup.id}/drill`)).body.errorCode, 'age.key_required');
    // Into a kept upload, which a merge takes.
    const reply = await service.fetch(`/api/admin/backups/${backup.id}/fetch`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ identity: secretKey }),
    });
    const events = await allEvents(reply);
    const last = events.at(-1);
    assert.equal(last.type, 'complete', JSON.stringify(last));
    const preview = (await allEvents(await service.fetch('/api/admin/database/import:preview', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ uploadId: last.uploadId }),
    }))).at(-1);
    assert.equal(preview.type, 'complete', JSON.stringify(preview).slice(0, 300));
    const wrong = await service.fetch(`/api/admin/backups/${backup.id}/fetch`, { method: 'POST' });
    assert.equal((await wrong.json()).errorCode, 'age.key_required');
  });

  test('a run is cancelled, and what it had begun is gone', async () => {
    await database.exec(`CREATE TABLE big AS SELECT i, repeat(md5(i::text), 40) AS t FROM generate_series(1, 400000) AS i`);
    const where = temporaryDirectory('backups');
    const made = await job({ destinations: [(await destination({ path: where })).id], compression: 'small' });
    const { runId } = await ok('POST', `/api/admin/backup-jobs/${made.id}/run`);
    await until('the export', async () => (await ok('GET', `/api/admin/backup-runs/${runId}`)).state === 'running');
    assert.equal((await call('POST', `/api/admin/backup-runs/${runId}/cancel`)).status, 202);
    assert.equal((await runEnd(runId)).state, 'cancelled');
    await until('the end of its files', () => readdirSync(path.join(service.dataDir, 'backup-runs')).length === 0);
    assert.deepEqual(readdirSync(where), []);
    assert.equal((await call('POST', `/api/admin/backup-runs/${runId}/cancel`)).body.errorCode, 'backup.run_ended');
    await database.exec('DROP TABLE big');
  });

  test('a due job runs once of two instances, and a missed one is caught up once', async () => {
    const second = await start();
    try {
      const made = await job({ destinations: [(await destination({ path: temporaryDirectory('backups') })).id], schedule: '@hourly', verifyDays: 0 },
        { isEnabled: true });
      await database.exec(`UPDATE cch_data.backup_jobs SET handled_at = now() - interval '3 days 1 hour' WHERE id = ${made.id}`);
      await until('the run', async () => (await backups(made.name)).length === 1, 30_000);
      await new Promise((resolve) => setTimeout(resolve, 6000));
      assert.equal(await database.value(`SELECT count(*) FROM cch_data.backup_runs WHERE job_name = '${made.name}'`), '1');
      // A clock that was set back makes nothing due, and delays nothing.
      await database.exec(`UPDATE cch_data.backup_jobs SET handled_at = now() + interval '9 days' WHERE id = ${made.id}`);
      await until('the time', async () =>
        (await database.value(`SELECT handled_at < now() + interval '2 minutes' FROM cch_data.backup_jobs WHERE id = ${made.id}`)) === 't', 20_000);
      await ok('PATCH', `/api/admin/backup-jobs/${made.id}`, { isEnabled: false });
    } finally {
      await second.stop();
    }
  });

  test('a service that dies leaves a run to the next one', async () => {
    const where = temporaryDirectory('backups');
    const made = await job({ destinations: [(await destination({ path: where })).id], verifyDays: 0 });
    await database.exec(`INSERT INTO cch_data.backup_runs (kind, job_id, job_name, state, asked_by, runner, alive_at, started_at, tries)
      VALUES ('backup', ${made.id}, '${made.name}', 'running', 'schedule', 'dead', now() - interval '2 minutes', now() - interval '3 minutes', 1)`);
    await until('the backup', async () => (await backups(made.name)).some(({ state }) => state === 'stored'), 30_000);
    assert.equal(await database.value(`SELECT tries FROM cch_data.backup_runs WHERE job_name = '${made.name}'`), '2');
  });

  test('a WebDAV server holds encrypted backups, and gives them back to a machine that has only the key', async () => {
    const port = await freePort(), there = temporaryDirectory('webdav');
    const server = spawn('rclone', ['serve', 'webdav', there, '--addr', `127.0.0.1:${port}`, '--user', 'u', '--pass', 'secret of the server'], { stdio: 'ignore' });
    atExit(() => endSync(server.pid, 'SIGKILL'));
    server.unref();
    await until('the server', () => fetch(`http://127.0.0.1:${port}/`).then((reply) => reply.status === 401, () => false));
    const { secretKey, publicKey } = await ok('POST', '/api/admin/backup-keys');
    const dav = await destination({ url: `http://127.0.0.1:${port}/`, user: 'u', path: 'hub' }, { kind: 'webdav', secrets: { password: 'secret of the server' } });
    assert.deepEqual(dav.secretsSet, ['password']);
    assert.ok(!JSON.stringify(dav).includes('secret of the server'));
    assert.equal((await ok('POST', `/api/admin/backup-destinations/${dav.id}/test`)).ok, true);
    const made = await job({ destinations: [dav.id], recipients: [publicKey] });
    assert.equal((await runJob(made)).state, 'succeeded');
    const [backup] = await backups(made.name);
    assert.deepEqual([backup.state, backup.proof], ['proven', 'checksum']);
    assert.deepEqual(readdirSync(path.join(there, 'hub', made.name)).sort(), [backup.name, `${backup.name}.manifest.json`]);
    assert.equal(await database.value(`SELECT count(*) FROM cch_data.backup_destinations WHERE settings::text LIKE '%secret of%' OR encode(secrets, 'escape') LIKE '%secret of%'`), '0');
    const key = path.join(temporaryDirectory('key', 0o700), 'key.txt'), to = path.join(temporaryDirectory('back'), 'hub.dump');
    writeFileSync(key, secretKey, { mode: 0o600 });
    const env = { CCH_DATA_DATA_DIR: temporaryDirectory('data', 0o755), CCH_DATA_TEMP_DIR: temporaryDirectory('tmp', 0o700), WEBDAV_PASSWORD: 'secret of the server' };
    const url = `webdav://u@127.0.0.1:${port}/hub`;
    const scan = await cli(['backup', 'scan', url, '--json'], { env });
    assert.equal(JSON.parse(scan.stdout.split('\n')[0]).name, backup.name, scan.stderr);
    assert.equal((await cli(['backup', 'restore', '--from', url, '--to', to], { env })).code, 3);
    const restored = await cli(['backup', 'restore', '--from', url, '--to', to, '--identity', key], { env });
    assert.equal(restored.code, 0, restored.stderr);
    await runOk('pg_restore', ['--list', to]);
    // The server goes away: the run fails, says so, and the good backup stays.
    signal(server.pid, 'SIGKILL');
    const failed = await runJob(made);
    assert.deepEqual([failed.state, failed.errorCode], ['failed', 'storage.unreachable']);
    assert.equal((await backups(made.name)).find(({ name }) => name === backup.name).state, 'proven');
  });

  test('ten thousand backups are listed, judged and paged', async () => {
    const made = await job({ destinations: [(await destination({ path: temporaryDirectory('backups') })).id] });
    await database.exec(`INSERT INTO cch_data.backups (destination_id, job_name, name, made_at, bytes, is_encrypted, state)
      SELECT ${made.settings.destinations[0]}, '${made.name}', 'backup_' || i || '.dump', now() - i * interval '3 hours', 1000, false,
             CASE WHEN i % 56 = 0 THEN 'proven' WHEN i % 7 = 0 THEN 'damaged' ELSE 'stored' END
      FROM generate_series(1, 10000) AS i`);
    const { backups: page, total } = await ok('GET', `/api/admin/backups?job=${made.name}&limit=1000&offset=0`);
    assert.deepEqual([page.length, total], [1000, 10000]);
    assert.ok(page.filter(({ isKept }) => isKept).length >= 7 + 4 + 12 - 3);
    const going = page.filter(({ isKept }) => !isKept);
    assert.ok(going.every(({ state }) => state !== 'damaged') && going.length > 1000 * (6 / 7) - 40, `${going.length}`);
    assert.equal((await ok('GET', `/api/admin/backups?job=${made.name}&limit=50&offset=9990`)).backups.length, 10);
    await database.exec(`DELETE FROM cch_data.backups WHERE job_name = '${made.name}'`);
  });

  //   BACKUP_KILLS=50   number of kills (default: a few)
  test('a kill at any moment leaves no half file, loses nothing, and the run is made up for', async () => {
    const where = temporaryDirectory('backups'), dataDir = temporaryDirectory('data', 0o755);
    const mine = await Database.create(postgres, { name: 'killed' });
    await mine.execFile(fixture('hub-v09.sql'));
    await mine.exec(`INSERT INTO users (name) SELECT 'user ' || i || repeat(md5(i::text), 20) FROM generate_series(1, 20000) AS i`);
    const { publicKey } = await ok('POST', '/api/admin/backup-keys');
    const settings = { destinations: [1], retention: { last: 2 }, recipients: [publicKey], verifyDays: 1, drillDays: 1 };
    let running = await start({ dsn: mine.dsn, dataDir });
    await until('migrations', () => mine.value(`SELECT to_regclass('cch_data.notify_queue')`));
    await call('PATCH', '/api/admin/backup-destinations/1', { settings: { path: where } }, running);
    const { body: made } = await call('POST', '/api/admin/backup-jobs', { name: 'killed', isEnabled: false, settings }, running);
    const victims = {
      service: () => signal(running.pid, 'SIGKILL'),
      'a child': () => running.children().slice(0, 1).forEach(({ pid }) => signal(pid, 'SIGKILL')),
      'the backends': () => mine.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'cch-data%'`),
    };
    const names = Object.keys(victims);
    for (let i = 0; i < Number(process.env.BACKUP_KILLS ?? names.length); i++) {
      const victim = names[i % names.length], pause = Math.floor(Math.random() * 1500), note = `kill ${i}: ${victim} after ${pause} ms`;
      const { body: { runId } } = await call('POST', `/api/admin/backup-jobs/${made.id}/run`, undefined, running);
      await new Promise((resolve) => setTimeout(resolve, pause));
      await victims[victim]();
      if (victim === 'service') {
        await until('its end', () => !isRunning(running.pid));
        for (const name of existsSync(path.join(where, 'killed')) ? readdirSync(path.join(where, 'killed')) : []) {
          if (!/\.dump\.age$/.test(name)) continue;
          const known = await mine.value(`SELECT sha256 FROM cch_data.backups WHERE name = '${name}'`);
          const { stdout } = await runOk('sha256sum', [path.join(where, 'killed', name)]);
          assert.equal(stdout.slice(0, 64), known, note);
        }
        await mine.exec(`UPDATE cch_data.backup_runs SET alive_at = now() - interval '2 minutes' WHERE state = 'running'`);
        running = await start({ dsn: mine.dsn, dataDir });
      }
      await until(note, async () =>
        (await mine.value(`SELECT count(*) FROM cch_data.backup_runs WHERE state IN ('queued', 'running')`)) === '0', 60_000);
      const run = await call('GET', `/api/admin/backup-runs/${runId}`, undefined, running);
      assert.equal(run.body.state, 'succeeded', `${note}: ${JSON.stringify(run.body)}`);
      const files = readdirSync(path.join(where, 'killed')).filter((name) => /\.age$/.test(name));
      assert.ok(files.includes(run.body.backup), note);
      assert.deepEqual(readdirSync(path.join(dataDir, 'backup-runs')), [], note);
      assert.equal((await running.status()).lock?.isHeld ?? false, false, note);
      assert.equal(await mine.value(`SELECT count(*) FROM pg_database WHERE datname LIKE 'killed\\_cch%'`), '0', note);
    }
    await running.stop();
  });

  test('the command line makes, lists, proves and restores, also from nothing but the destination', async () => {
    const dataDir = temporaryDirectory('data', 0o755), env = { CCH_DATA_DATA_DIR: dataDir, CCH_DATA_TEMP_DIR: temporaryDirectory('tmp', 0o700), LANG: 'C.UTF-8' };
    const other = await Database.create(postgres, { name: 'other' });
    await other.execFile(fixture('hub-v09.sql'));
    await other.exec(`INSERT INTO users (name) SELECT 'user ' || i FROM generate_series(1, 50) AS i`);
    const run = async (...args) => {
      const result = await cli(['backup', ...args], { dsn: other.dsn, env });
      assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
      return result;
    };
    const made = await run('run', 'daily');
    assert.match(made.stdout, /^backup_\S+\.dump {2}/);
    const [, name] = /^(\S+)/.exec(made.stdout);
    assert.match((await run('list')).stdout, new RegExp(`daily +local +${name.replaceAll('.', '\\.')} .* stored`));
    await run('verify', name);
    await run('drill', name, '--identity', '/dev/null');
    assert.match((await run('list')).stdout, /proven drill/);
    assert.match((await run('runs')).stdout, /drill .* daily .* succeeded/);
    assert.match((await run('prune', 'daily', '--dry-run')).stdout, /^keep/);
    const expected = await other.value('SELECT count(*) FROM users');
    await other.exec('DELETE FROM users');
    await run('restore', 'latest', '--at', '2100-01-01');
    assert.equal(await other.value('SELECT count(*) FROM users'), expected);
    // The records survive an overwrite by swap, and its undo.
    await run('restore', name, '--overwrite', '--yes');
    assert.match((await run('list')).stdout, /proven drill/);
    assert.equal((await cli(['import', '--undo', '--yes'], { dsn: other.dsn, env })).code, 0);
    assert.match((await run('list')).stdout, /proven drill/);
    assert.match((await run('jobs')).stdout, /^daily +off +0 4 \* \* \* +-/);
    // A machine that knows nothing: a new database and a folder.
    const folder = path.join(dataDir, 'backups');
    const scan = await cli(['backup', 'scan', folder], { env: { ...env, DSN: undefined } });
    assert.match(scan.stdout, new RegExp(`^daily +${name.replaceAll('.', '\\.')} `), scan.stderr);
    const fresh = await Database.create(postgres, { name: 'fresh' });
    const restored = await cli(['backup', 'restore', 'latest', '--from', folder, '--overwrite', '--yes'], { dsn: fresh.dsn, env });
    assert.equal(restored.code, 0, restored.stderr);
    assert.equal(await fresh.value('SELECT count(*) FROM users'), expected);
    await other.exec(`INSERT INTO cch_data.backups (destination_id, job_name, name, made_at, bytes, is_encrypted, state)
      VALUES (1, 'weekly', 'backup_2026-01-01T00-00-00.dump', '2026-01-01', 1, false, 'stored')`);
    assert.equal((await cli(['backup', 'restore', 'latest', '--to', '/dev/null'], { dsn: other.dsn, env })).code, 2);
    const none = await cli(['backup', 'restore', '--at', '2001-01-01'], { dsn: other.dsn, env });
    assert.deepEqual([none.code, /backup|备份/.test(none.stderr)], [3, true]);
    const keys = path.join(temporaryDirectory('key', 0o700), 'key.txt');
    await run('keygen', keys);
    assert.match(readFileSync(keys, 'utf8'), /AGE-SECRET-KEY-1/);
  });

  test('wrong settings are named, and change nothing', async () => {
    const here = (await destination({ path: temporaryDirectory('backups') })).id;
    const wrong = [
      [{ destinations: [here], schedule: '61 * * * *' }, /minute/],
      [{ destinations: [here], timeZone: 'Mars/Olympus' }, /time zone/],
      [{ destinations: [] }, /destinations/],
      [{ destinations: [999999] }, /destinations/],
      [{ destinations: [here], retention: { dayly: 3 } }, /dayly/],
      [{ destinations: [here], recipients: ['age1nonsense'] }, /age1nonsense|recipient/],
      [{ destinations: [here], compression: 'best' }, /compression/],
      [{ destinations: [here], excludedTables: ['no_such_table'] }, /no_such_table/],
    ];
    for (const [settings, message] of wrong) {
      const { status, body } = await call('POST', '/api/admin/backup-jobs', { name: 'wrong', settings });
      assert.equal(status, 400, JSON.stringify(settings));
      assert.match(`${body.details}`, message);
    }
    assert.equal((await call('POST', '/api/admin/backup-jobs', { name: '../x', settings: { destinations: [here] } })).status, 400);
    assert.equal((await call('POST', '/api/admin/backup-jobs', { name: 'daily', settings: { destinations: [here] } })).body.errorCode, 'backup.name_taken');
    const check = await ok('POST', '/api/admin/backup-jobs:check', { destinations: [here], schedule: '30 2 * * *', timeZone: 'Asia/Shanghai' });
    assert.match(check.nextTimes[0], /T18:30:00Z$/);
  });
});
