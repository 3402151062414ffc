// /metrics, `cch-data check`, and what contrib/ makes of them, with real backups' records in the database.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { run, until } from './support/run.mjs';
import { freePort, haveRedis, startPostgres, startRedis } from './support/servers.mjs';
import { Service, cli, haveBinary } from './support/service.mjs';

const promtool = ['/usr/local/bin/promtool', '/usr/bin/promtool'].find((file) => existsSync(file));
const contrib = (name) => new URL(`../../contrib/${name}`, import.meta.url);
const scrapeToken = 'a-token-for-prometheus';

describe('figures', { skip: !haveBinary && 'no binary' }, () => {
  let database, service;

  before(async () => {
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    service = await Service.start({ dsn: database.dsn, env: { METRICS_TOKEN: scrapeToken } });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.notify_queue')`));
    // One job with a proven backup of yesterday, a failed run and a drill; one that has never run.
    await database.exec(`
      DELETE FROM cch_data.backup_jobs;
      INSERT INTO cch_data.backup_jobs (name, is_enabled, settings, next_at) VALUES ('da"ily\\', true, '{}', '2030-01-01Z'), ('weekly', false, '{}', NULL);
      UPDATE cch_data.backup_destinations SET last_ok_at = now() - interval '1 hour';
      INSERT INTO cch_data.backups (destination_id, job_name, name, made_at, bytes, is_encrypted, state)
        SELECT id, 'da"ily\\', 'b1', now() - interval '30 hours', 5000, false, 'proven' FROM cch_data.backup_destinations;
      INSERT INTO cch_data.backups (destination_id, job_name, name, made_at, bytes, is_encrypted, state)
        SELECT id, 'da"ily\\', 'b2', now() - interval '6 hours', 6000, false, 'stored' FROM cch_data.backup_destinations;
      INSERT INTO cch_data.backup_runs (kind, job_name, state, asked_by, started_at, ended_at, recovery_ms) VALUES
        ('drill', 'da"ily\\', 'succeeded', 't', now() - interval '2 hours', now() - interval '1 hour', 12500),
        ('backup', 'da"ily\\', 'succeeded', 't', now() - interval '6 hours', now() - interval '6 hours' + interval '90 s', NULL),
        ('backup', 'gone', 'failed', 't', now(), now(), NULL);
      INSERT INTO cch_data.price_sync (last_try_at, last_success_at, failures) VALUES (now(), now() - interval '100 s', 2)`);
  });
  after(() => service?.stop());

  const scrape = async (headers = { authorization: `Bearer ${scrapeToken}` }) => {
    await new Promise((resolve) => setTimeout(resolve, 2100)); // figures are kept for two seconds
    const reply = await fetch(`${service.url}/metrics`, { headers });
    return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() };
  };
  // { 'name{labels}': value }
  const figures = (text) => Object.fromEntries(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  const near = (value, wanted, within) => assert.ok(Math.abs(value - wanted) <= within, `${value}, not ${wanted}`);

  let first; // figures

  test('the figures are those of the records, the lock and the process', async () => {
    const { status, type, text } = await scrape();
    first = text;
    assert.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
    const all = figures(text);
    const job = '{job_name="da\\"ily\\\\"}';
    assert.equal(all[`cch_data_backup_job_enabled${job}`], 1);
    assert.equal(all['cch_data_backup_job_enabled{job_name="weekly"}'], 0);
    assert.equal(all[`cch_data_backup_job_next_run_timestamp_seconds${job}`], 1893456000);
    near(all[`cch_data_backup_last_good_age_seconds${job}`], 6 * 3600, 60);
    near(all[`cch_data_backup_last_proven_age_seconds${job}`], 30 * 3600, 60);
    near(all[`cch_data_backup_last_run_duration_seconds${job}`], 90, 0.001);
    near(all[`cch_data_backup_last_run_timestamp_seconds${job}`], Date.now() / 1000 - 6 * 3600 + 90, 60);
    assert.deepEqual([all[`cch_data_backup_last_good_bytes${job}`], all[`cch_data_backup_last_run_success${job}`], all[`cch_data_drill_last_success${job}`], all[`cch_data_drill_recovery_seconds${job}`]], [6000, 1, 1, 12.5]);
    assert.equal(all['cch_data_backups{job_name="da\\"ily\\\\",state="proven"}'], 1);
    assert.ok(!text.includes('"gone"'), 'a job that is gone');
    assert.equal(all['cch_data_destination_up{destination="local",kind="directory"}'], 1);
    assert.deepEqual([all.cch_data_database_up, all.cch_data_lock_held, all['cch_data_backup_runs{state="running"}'], all['cch_data_running_operations{operation="import"}']], [1, 0, 0, 0]);
    assert.ok(all.process_resident_memory_bytes > 4e6 && all.process_resident_memory_bytes < 1e9 && all.cch_data_disk_free_bytes > 0);
    near(all.process_start_time_seconds + all.cch_data_uptime_seconds, Date.now() / 1000, 5);
    near(all.cch_data_price_sync_last_success_age_seconds, 100, 30);
    assert.deepEqual([all.cch_data_price_sync_consecutive_failures, all.cch_data_prices_held, all['cch_data_messages{state="failed"}']], [2, 0, 0]);
    assert.equal(all.cch_data_http_request_duration_seconds_count, all['cch_data_http_request_duration_seconds_bucket{le="+Inf"}']);
  });

  test('a held lock is named by its operation, and requests are counted by class', async () => {
    const before = figures((await scrape()).text);
    await service.fetch('/api/health/live');
    await service.fetch('/api/nothing');
    const session = database.session();
    await session.exec("SET application_name = 'cch-data lock: export by Tests'; SELECT pg_advisory_lock(x'6363685f6c6f636b'::bigint)");
    const after = figures((await scrape()).text);
    assert.deepEqual([before.cch_data_lock_held, after['cch_data_lock_held{operation="export"}']], [0, 1]);
    near(after.cch_data_lock_held_seconds, 3, 10);
    await session.close();
    assert.ok(after['cch_data_http_requests_total{class="4xx"}'] >= before['cch_data_http_requests_total{class="4xx"}'] + 1);
    assert.ok(after['cch_data_http_requests_total{class="2xx"}'] >= before['cch_data_http_requests_total{class="2xx"}'] + 2);
  });

  test('while one scrape waits for the database, the others get the last figures', async () => {
    const session = database.session();
    await session.exec('BEGIN; LOCK TABLE cch_data.backup_jobs IN ACCESS EXCLUSIVE MODE');
    const slow = scrape();
    await until('the scrape that waits', () => database.count(`pg_locks WHERE relation = 'cch_data.backup_jobs'::regclass AND NOT granted`).then((n) => n > 0), 10_000);
    const start = Date.now();
    const reply = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${scrapeToken}` } });
    assert.equal(figures(await reply.text()).cch_data_database_up, 1);
    assert.ok(Date.now() - start < 1000, `${Date.now() - start} ms`);
    await session.exec('ROLLBACK');
    assert.equal((await slow).status, 200);
    await session.close();
  });

  test('administrators, the token for it, and nobody else may read; everybody where that is said', async () => {
    assert.equal((await fetch(`${service.url}/metrics`)).status, 401);
    assert.equal((await fetch(`${service.url}/metrics`, { headers: { authorization: 'Bearer wrong-token-of-sixteen' } })).status, 401);
    assert.equal((await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${service.token}` } })).status, 200);
    assert.equal((await fetch(`${service.url}/api/admin/database/status`, { headers: { authorization: `Bearer ${scrapeToken}` } })).status, 401);
    const open = await Service.start({ dsn: database.dsn, env: { METRICS_PUBLIC: 'true' } });
    assert.equal((await fetch(`${open.url}/metrics`)).status, 200);
    await open.stop();
  });

  test('promtool accepts the figures and the rules', { skip: !promtool && 'no promtool (Debian: prometheus)' }, async () => {
    const checked = await run(promtool, ['check', 'metrics'], { input: first });
    assert.deepEqual([checked.code, checked.stderr], [0, ''], checked.stdout);
    const rules = await run(promtool, ['check', 'rules', contrib('prometheus/alerts.yml').pathname]);
    assert.equal(rules.code, 0, rules.stderr);
  });

  test('rules and dashboard name only what is exported', async () => {
    const known = [...readFileSync(new URL('../../src/monitor/metrics.def', import.meta.url), 'utf8').matchAll(/"((?:cch_data|process)_\w+)"/g)].map((match) => match[1]);
    const exported = first;
    const alerts = readFileSync(contrib('prometheus/alerts.yml'), 'utf8');
    const dashboard = JSON.parse(readFileSync(contrib('grafana/cch-data.json'), 'utf8'));
    const named = new Set([...(alerts + JSON.stringify(dashboard)).matchAll(/\b(?:cch_data|process)_\w+/g)].map((match) => match[0].replace(/_(bucket|sum|count)$/, '')));
    assert.ok(named.size > 20);
    // What is there only at times: Redis, a verification, a held lock.
    const seldom = ['cch_data_redis_up', 'cch_data_verify_last_success', 'cch_data_lock_held_seconds'];
    for (const name of named) {
      assert.ok(known.includes(name), `${name} is not exported`);
      if (!seldom.includes(name)) assert.ok(exported.includes(`# TYPE ${name} `), `${name} is not exported`);
    }
    assert.ok(dashboard.panels.length > 8);
  });

  const check = async (args = [], options = {}) => {
    const { code, stdout, stderr } = await cli(['check', ...args], { dsn: database.dsn, ...options, env: { DATA_DIR: service.dataDir, LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8', ...options.env } });
    return { code, stdout, stderr };
  };

  test('check tells what is wrong by its exit code, the worst first', async () => {
    const fine = await check();
    assert.deepEqual([fine.code, /^OK: database up; last good backup 6\.0 h ago \(limit 26\); last drill passed; .* free/.test(fine.stdout)], [0, true], fine.stdout);
    const old = await check(['--max-age', '3']);
    assert.deepEqual([old.code, /^CRITICAL: last good backup 6\.0 h ago \(limit 3\); database up/.test(old.stdout)], [2, true], old.stdout);
    await database.exec(`UPDATE cch_data.backup_destinations SET last_error = 'away'`);
    const away = JSON.parse((await check(['--json'])).stdout);
    assert.deepEqual([away.status, away.exitCode, away.checks.find(({ name }) => name === 'destinations')], ['WARNING', 1, { name: 'destinations', status: 'WARNING', text: 'destinations away: local' }]);
    await database.exec(`UPDATE cch_data.backups SET state = 'damaged'`);
    const damaged = await check();
    assert.equal(damaged.code, 2);
    assert.match(damaged.stdout, /^CRITICAL: there is no good backup; 2 damaged backups; /);
    await database.exec(`UPDATE cch_data.backup_jobs SET is_enabled = false; DELETE FROM cch_data.backups; UPDATE cch_data.backup_destinations SET last_error = NULL`);
    assert.match((await check()).stdout, /^WARNING: nothing is backed up yet/);
    await database.exec(`INSERT INTO cch_data.backup_runs (kind, job_name, state, asked_by, started_at, ended_at) VALUES ('drill', 'da"ily\\', 'failed', 't', now(), now())`);
    assert.match((await check()).stdout, /^CRITICAL: the last drill failed: da"ily/);
  });

  test('check says unknown of what it cannot ask, and critical of a database or a service that is away', async () => {
    assert.equal((await check(['--max-age', '0'])).code, 3);
    assert.equal((await check(['--nonsense'])).code, 3);
    assert.equal((await check(['--help'])).code, 0);
    assert.match((await check([], { dsn: `postgresql://nobody@127.0.0.1:${await freePort()}/x` })).stdout, /^CRITICAL: the database does not answer/);
    const alone = await check([], { dsn: undefined, env: { DATA_DIR: '/nonexistent' } });
    assert.deepEqual([alone.code, /^CRITICAL: the service does not run/.test(alone.stdout)], [2, true], alone.stdout + alone.stderr);
    const unreadable = temporaryDirectory('data');
    symlinkSync('elsewhere', `${unreadable}/service.lock`);
    const unknown = await check([], { dsn: undefined, env: { DATA_DIR: unreadable } });
    assert.deepEqual([unknown.code, /service\.lock/.test(unknown.stderr)], [3, true], unknown.stdout + unknown.stderr);
  });

  test("a lock that the hub has held for seven hours is told to people, shown and judged", { skip: !haveRedis() && 'no Redis' }, async () => {
    const redis = await startRedis();
    await redis.command('SET', 'database:backup:lock', `${Date.now() - 7 * 3600e3}-abc123`);
    const beside = await Service.start({ dsn: database.dsn, redisUrl: redis.url, env: { METRICS_PUBLIC: 'true' } });
    const channel = { name: 'ops', type: 'slack', settings: { url: `http://127.0.0.1:${await freePort()}/` } };
    await until('the watch', () => database.count(`cch_data.notify_states WHERE subject = 'lock' AND kind = 'lock_stuck' AND is_bad`).then((n) => n > 0), 20_000);
    assert.equal(await database.count(`cch_data.notify_states WHERE subject LIKE 'disk:%' AND kind = 'disk_short'`) > 0, true);
    // Told once somebody is there to be told: at the next look, here that of a restart.
    assert.equal((await beside.fetch('/api/admin/notify/channels', { method: 'POST', body: JSON.stringify(channel), headers: { 'content-type': 'application/json' } })).status, 201);
    const all = figures(await (await fetch(`${beside.url}/metrics`)).text());
    assert.equal(all['cch_data_redis_up'], 1);
    near(all.cch_data_lock_held_seconds, 7 * 3600, 60);
    const judged = await check([], { env: { REDIS_URL: redis.url } });
    assert.match(judged.stdout, /the backup lock has been held for 7\.0 h/);
    await beside.stop();
    const again = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    await until('the message', () => database.count(`cch_data.notify_queue WHERE kind = 'lock_stuck' AND mood = 'bad'`).then((n) => n === 1), 20_000);
    await redis.command('DEL', 'database:backup:lock');
    await again.stop();
    const free = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    await until('the end of it', () => database.count(`cch_data.notify_queue WHERE kind = 'lock_stuck' AND mood = 'recovered'`).then((n) => n === 1), 20_000);
    await free.stop();
  });
});
