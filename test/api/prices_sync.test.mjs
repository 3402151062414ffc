// Syncs with a cloud that answers well, badly or not at all, and many concurrent syncs of two instances.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Database } from './support/database.mjs';
import { startCloud, tableOf } from './support/prices.mjs';
import { temporaryDirectory } from './support/cleanup.mjs';
import { runOk, until } from './support/run.mjs';
import { haveRedis, startPostgres, startRedis } from './support/servers.mjs';
import { Service, cli } from './support/service.mjs';

let server, redis, database, cloud, mirror, first, second;
const models = '/api/v1/model-prices';

before(async () => {
  server = await startPostgres();
  redis = haveRedis() ? await startRedis() : undefined;
  database = await Database.create(server);
  cloud = await startCloud();
  mirror = await startCloud();
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
  const start = () => Service.start({
    dsn: database.dsn, redisUrl: redis?.url, env: { PRICE_SYNC_URL: `${cloud.url}/prices.json, ${mirror.url}/m.json`, PRICE_SYNC_TIMEOUT: process.env.CCH_SANITIZED ? 6 : 2 },
  });
  [first, second] = [await start(), await start()];
});
after(async () => {
  await first?.stop();
  await second?.stop();
  cloud?.stop();
  mirror?.stop();
});
beforeEach(async () => {
  await database.exec('TRUNCATE public.model_prices, cch_data.price_applied, cch_data.price_held, cch_data.price_sync, public.audit_log');
  mirror.answer = (request, response) => response.writeHead(404).end();
  cloud.requests.length = mirror.requests.length = 0;
});

async function post(action, body, service = first) {
  const response = await service.fetch(`${models}:${action}`, {
    method: 'POST',
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { 'accept-language': 'en', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  });
  return { status: response.status, body: await response.json() };
}

const sync = (body, service) => post('syncLitellm', body, service);
const status = async () => (await first.fetch(`${models}:syncStatus`)).json();
const prices = () => database.value(`SELECT string_agg(concat_ws(' ', model_name, source, price_data->'input_cost_per_token'), ', '
                                            ORDER BY model_name, source) FROM public.model_prices`);

test('a sync without a body adds, changes and removes; an unchanged table costs one 304', async () => {
  cloud.serve(tableOf({ a: 1, b: 1, c: 1 }));
  assert.deepEqual((await sync()).body.added, ['a', 'b', 'c']);
  const again = await sync();
  assert.deepEqual([again.body.unchanged, again.body.total], [['a', 'b', 'c'], 3]);
  assert.ok(cloud.requests[1].headers['if-none-match']);
  assert.equal((await status()).last.upstreamStatus, 304);
  cloud.serve(tableOf({ a: 2, b: 1 }));
  const { body } = await sync();
  assert.deepEqual([body.updated, body.removed], [['a'], ['c']]);
  assert.equal(await prices(), 'a cloud 2, b cloud 1');
  assert.equal(await database.count("public.audit_log WHERE action_type = 'model_price.sync'"), 2);
});

test('a 304 is not asked for once somebody has changed a row', async () => {
  cloud.serve(tableOf({ a: 1 }));
  await sync();
  await database.exec('DELETE FROM public.model_prices');
  assert.deepEqual((await sync()).body.added, ['a']);
  assert.equal(cloud.requests[1].headers['if-none-match'], undefined);
});

test('a compressed table is read', async () => {
  cloud.answer = (request, response) => {
    assert.match(request.headers['accept-encoding'], /gzip/);
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(tableOf({ a: 1 })));
  };
  assert.deepEqual((await sync()).body.added, ['a']);
});

test('a mirror is used when the first does not answer well', async () => {
  cloud.answer = (request, response) => response.writeHead(500).end();
  mirror.serve(tableOf({ m: 1 }));
  assert.deepEqual((await sync()).body.added, ['m']);
});

test('a redirect within the host is followed, and one elsewhere where that is allowed', async () => {
  const redirect = (location) => (request, response) =>
    request.url === '/moved' ? response.end(tableOf({ a: 1 })) : response.writeHead(301, { location }).end();
  cloud.answer = redirect('/moved');
  assert.deepEqual((await sync()).body.added, ['a']);
  mirror.serve(tableOf({ b: 1, c: 1 }));
  cloud.answer = redirect(`${mirror.url}/elsewhere`);
  const run = (env) => cli(['prices', 'sync', '--json'], { dsn: database.dsn, env: { PRICE_SYNC_URL: `${cloud.url}/x`, ...env } });
  const refused = await run({});
  assert.match(refused.stderr, /unexpected address: http:\/\/127\.0\.0\.1:\d+\/elsewhere.*--price-sync-redirects \(PRICE_SYNC_REDIRECTS\)/);
  assert.doesNotMatch(refused.stderr, /GLib-CRITICAL/);
  assert.deepEqual(JSON.parse((await run({ PRICE_SYNC_REDIRECTS: 'true' })).stdout).added, ['b', 'c']);
});

test('Last-Modified alone is enough for a 304', async () => {
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT';
  cloud.answer = (request, response) =>
    request.headers['if-modified-since'] === date ? response.writeHead(304).end() : response.writeHead(200, { 'last-modified': date }).end(tableOf({ a: 1 }));
  await sync();
  assert.deepEqual((await sync()).body.unchanged, ['a']);
  assert.equal((await status()).last.upstreamStatus, 304);
  await sync();
  assert.equal((await status()).last.upstreamStatus, 304);
});

test("the environment's proxy is used", async () => {
  mirror.serve(tableOf({ a: 1 }));
  const env = { PRICE_SYNC_URL: 'http://prices.invalid/table.json', http_proxy: mirror.url };
  const { stdout, stderr } = await cli(['prices', 'sync', '--json'], { dsn: database.dsn, env });
  assert.deepEqual(JSON.parse(stdout).added, ['a'], stderr);
  assert.equal(mirror.requests[0].url, 'http://prices.invalid/table.json');
});

test('a certificate that nobody vouches for is refused', async () => {
  const directory = temporaryDirectory('tls');
  const [key, cert] = [path.join(directory, 'key.pem'), path.join(directory, 'cert.pem')];
  await runOk('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert,
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => response.end(tableOf({ a: 1 })));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const run = (env) => cli(['prices', 'sync'], { dsn: database.dsn, env: { PRICE_SYNC_URL: `https://127.0.0.1:${server.address().port}/`, ...env } });
  const refused = await run({});
  assert.deepEqual([refused.code, /certificate/i.test(refused.stderr)], [1, true], refused.stderr);
  assert.equal(await database.count('public.model_prices'), 0);
  server.close();
});

const failures = {
  '404': [(request, response) => response.writeHead(404).end(), /HTTP 404/, 404],
  '500': [(request, response) => response.writeHead(500).end(), /HTTP 500/],
  'a redirect elsewhere': [(request, response) => response.writeHead(302, { location: `${mirror.url}/x` }).end(), /unexpected address/],
  'a redirect in a circle': [(request, response) => response.writeHead(302, { location: '/prices.json' }).end(), /too often/],
  'a slow answer': [(request, response) => response.writeHead(200).write('{'), /[Tt]imeout/],
  'an endless answer': [(request, response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    const more = () => { while (!response.destroyed && response.write(chunk)); };
    response.on('drain', more);
    more();
  }, /too large|[Tt]imeout/],
  'a truncated answer': [(request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('{"a":');
    setTimeout(() => response.destroy(), 50);
  }, /127\.0\.0\.1/],
  'wrong compression': [(request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('{"a":{"mode":"x"}}'), /127\.0\.0\.1/],
  'a bomb': [(request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(40 * 1024 * 1024, ' '))), /too large/],
  'a gzip stream without its end': [(request, response) => {
    const whole = gzipSync('[models."a"]\nmode = "chat"\ninput_cost_per_token = 0.00001\n[models."b"]\nmode = "chat"\n');
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(whole.subarray(0, whole.length - 8));
  }, /gzip stream has no end/],
  'TOML that ends within a number': [(request, response) => response.writeHead(200).end('[models."a"]\nmode = "chat"\ninput_cost_per_token = 0.0000'), /may have been cut/],
  'TOML of an unknown length': [(request, response) => {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { connection: 'close' });
    response.end('[models."a"]\nmode = "chat"\ninput_cost_per_token = 0.00001\n');
  }, /Content-Length/],
  'a web page': [(request, response) => response.writeHead(200).end('<html>'), /neither JSON nor TOML/],
  'no table': [(request, response) => response.writeHead(200).end('models'), /line 1/],
};
for (const [name, [answer, reason, upstream]] of Object.entries(failures)) {
  test(`${name} keeps the table and is told`, async () => {
    cloud.serve(tableOf({ a: 1 }));
    await sync();
    await database.exec("UPDATE cch_data.price_sync SET etag = NULL, last_modified = NULL");
    cloud.answer = answer;
    const { status: code, body } = await sync();
    assert.equal(code, 502, JSON.stringify(body));
    assert.equal(body.errorCode, 'prices.upstream');
    assert.match(body.detail, reason);
    if (upstream) assert.equal(body.upstreamStatus, upstream);
    assert.equal(await prices(), 'a cloud 1');
    const { last } = await status();
    assert.equal(last.errorCode, 'prices.upstream');
    assert.match(last.error, reason);
    assert.ok(last.lastSuccessAt);
  });
}

test('less than half of the models is refused with the numbers, and can be forced', async () => {
  cloud.serve(tableOf({ a: 1, b: 1, c: 1 }));
  await sync();
  cloud.serve(tableOf({ a: 1 }));
  const refused = await sync();
  assert.deepEqual([refused.status, refused.body.errorCode], [409, 'prices.shrunk']);
  assert.match(refused.body.detail, /1 valid models now, 3 last time/);
  assert.equal(await prices(), 'a cloud 1, b cloud 1, c cloud 1');
  assert.deepEqual((await sync({ force: true })).body.removed, ['b', 'c']);
});

test('a check shows conflicts, and the sync after it applies that download', async () => {
  cloud.serve(tableOf({ a: 1, b: 2, c: 3 }));
  await database.exec(`INSERT INTO public.model_prices (model_name, price_data, source) VALUES
    ('a', '{"mode":"chat","input_cost_per_token":1.0}', 'manual'), ('b', '{"mode":"chat","input_cost_per_token":9}', 'manual')`);
  const check = await post('syncLitellmCheck');
  assert.equal(check.body.hasConflicts, true);
  assert.deepEqual(check.body.conflicts.map((conflict) => [conflict.modelName, conflict.manualPrice.input_cost_per_token,
    conflict.cloudPrice.input_cost_per_token]), [['b', 9, 2]]);
  assert.deepEqual(check.body.added, ['c']);
  cloud.serve(tableOf({ a: 5, b: 5, c: 5 }));
  const { body } = await sync({ overwriteManual: ['b'], checkId: check.body.checkId });
  assert.deepEqual([body.added, body.updated, body.skippedConflicts], [['c'], ['b'], ['a']]);
  assert.equal(cloud.requests.length, 1);
  assert.equal(await prices(), 'a manual 1.0, b cloud 2, c cloud 3');
  const used = await sync({ checkId: check.body.checkId });
  assert.deepEqual([used.status, used.body.errorCode], [409, 'prices.check_stale']);
});

test('every administrator has a check of his own, and may overwrite thousands of manual prices', async () => {
  const names = Array.from({ length: 2500 }, (_, i) => `some-provider/a-model-with-a-rather-long-name-${i}`);
  const at = (price) => tableOf(Object.fromEntries(names.map((name) => [name, price])));
  assert.equal((await post('upload', { content: at(1), source: 'manual' })).status, 200);
  cloud.serve(at(2));
  const check = await post('syncLitellmCheck');
  assert.equal(check.body.conflicts.length, 2500);
  const other = await first.fetch(`${models}:syncLitellmCheck`, { method: 'POST', headers: { 'x-forwarded-for': '192.0.2.7' } });
  assert.notEqual((await other.json()).checkId, check.body.checkId);
  assert.equal((await sync({ dryRun: true, overwriteManual: names })).body.updated.length, 2500);
  assert.equal((await sync({ overwriteManual: names })).body.updated.length, 2500);
});

test('a check that was overtaken is refused, and the next sync is fresh', async () => {
  cloud.serve(tableOf({ a: 1 }));
  await post('syncLitellmCheck');
  await database.exec(`INSERT INTO public.model_prices (model_name, price_data, source) VALUES ('a', '{"mode":"x"}', 'manual')`);
  assert.equal((await sync()).status, 409);
  assert.deepEqual((await sync()).body.skippedConflicts, ['a']);
});

test('the count of the cloud is told, and costs a 304 once it is known', async () => {
  cloud.serve(tableOf({ a: 1, b: 1 }));
  const count = async () => (await first.fetch('/api/prices/cloud-model-count')).json();
  assert.deepEqual(await count(), { ok: true, data: { count: 2 } });
  await sync();
  assert.deepEqual(await count(), { ok: true, data: { count: 2 } });
  assert.ok(cloud.requests.at(-1).headers['if-none-match']);
  cloud.answer = (request, response) => response.writeHead(403).end();
  const response = await first.fetch('/api/prices/cloud-model-count');
  assert.deepEqual([response.status, (await response.json()).ok], [502, false]);
});

test('ten uploads and syncs at once over two instances end in a serial outcome without duplicates', async () => {
  cloud.serve(tableOf({ a: 99, b: 99, s: 99 }));
  assert.equal((await sync()).status, 200); // otherwise many uploaded models would make the first sync look shrunk
  cloud.serve(tableOf({ a: 100, b: 100, s: 100 }));
  const upload = (price, service) => post('upload', { content: tableOf({ a: price, b: price, [`u${price}`]: price }) }, service);
  let isOver = false;
  const reader = (async () => {
    for (let n = 0; ; n++) {
      const seen = await database.value("SELECT count(DISTINCT price_data) FROM public.model_prices WHERE model_name IN ('a', 'b')");
      assert.equal(seen, '1', 'half a table was seen');
      if (isOver) return n;
    }
  })();
  const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => {
    const service = i % 2 ? first : second;
    return i < 6 ? upload(i + 1, service) : sync(undefined, service);
  }));
  isOver = true;
  assert.ok((await reader) > 0);
  for (const { status: code, body } of replies) assert.equal(code, 200, JSON.stringify(body));
  const rows = await database.rows("SELECT model_name, price_data->>'input_cost_per_token' FROM public.model_prices ORDER BY 1");
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
  const table = Object.fromEntries(rows);
  assert.equal(table.a, table.b);
  assert.ok(['1', '2', '3', '4', '5', '6', '100'].includes(table.a), table.a);
  for (let price = 1; price <= 6; price++) assert.equal(table[`u${price}`], `${price}`);
  assert.equal(table.s, '100');
  // The audit log has the author of each value in commit order; the last value is the stored one.
  const written = await database.rows("SELECT after_value->'updated'->'a'->'fields'->>'input_cost_per_token' FROM public.audit_log WHERE after_value->'updated' ? 'a' ORDER BY id");
  assert.equal(written.at(-1)[0], table.a);
});

test('syncs at once write once', async () => {
  cloud.serve(tableOf({ a: 1, b: 1 }));
  const replies = await Promise.all([sync(), sync(undefined, second), sync(), sync(undefined, second)]);
  assert.equal(replies.filter(({ body }) => body.added.length === 2).length, 1);
  assert.equal(replies.filter(({ body }) => body.unchanged.length === 2).length, 3);
  assert.equal(await database.count('public.audit_log'), 1);
  if (redis) assert.equal(await redis.command('EXISTS', 'cch-data:prices:sync:lock'), 0);
});

test('a key in Redis that a dead instance left on this database is taken over', { skip: !haveRedis() }, async () => {
  cloud.serve(tableOf({ a: 1 }));
  await database.exec('SELECT 1');
  const identity = await database.value(`SELECT concat(system_identifier, '/', oid) FROM pg_control_system(), pg_database WHERE datname = current_database()`);
  await redis.command('SET', 'cch-data:prices:sync:lock', `1-1 {"operation":"prices sync","holder":"dead","database":"${identity}"}`);
  assert.equal((await sync()).status, 200);
});

test('the schedule syncs at the start when there are no prices, notices others, and goes on after a failure', async () => {
  cloud.answer = (request, response) => response.writeHead(404).end();
  const own = await Database.create(server);
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn: own.dsn })).code, 0);
  const env = { PRICE_SYNC_URL: `${cloud.url}/s.json`, PRICE_SYNC_INTERVAL: 1, PRICE_SYNC_TIMEOUT: 2 };
  const services = [await Service.start({ dsn: own.dsn, env }), await Service.start({ dsn: own.dsn, env })];
  await until('a failed sync', () => services.some((service) => service.log().includes('price sync failed')), 30_000);
  cloud.serve(tableOf({ a: 1 }));
  await until('the first prices', async () => (await own.count('public.model_prices')) === 1, 30_000);
  cloud.serve(tableOf({ a: 2 }));
  await until('the new price', async () => (await own.value("SELECT price_data->'input_cost_per_token' FROM public.model_prices")) === '2', 30_000);
  assert.ok((await (await services[0].fetch(`${models}:syncStatus`)).json()).nextAt);
  for (const service of services) await service.stop();
});

test('null costs of the cloud are absent with a warning', async () => {
  cloud.serve('{"m":{"mode":"chat","input_cost_per_token":1e-6,"cache_read_input_token_cost":null}}');
  const { body } = await sync();
  assert.deepEqual([body.added, body.warnings.map(({ code, field }) => [code, field])], [['m'], [['cost_is_null', 'cache_read_input_token_cost']]]);
  assert.equal(await database.value("SELECT price_data ? 'cache_read_input_token_cost' FROM public.model_prices"), 'f');
});

// A service with a schedule of one second, on a database of its own.
async function scheduled(t, sql = '', env = {}) {
  const own = await Database.create(server);
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn: own.dsn })).code, 0);
  if (sql) await own.exec(sql);
  const service = await Service.start({ dsn: own.dsn, env: { PRICE_SYNC_URL: `${cloud.url}/s.json`, PRICE_SYNC_INTERVAL: 1, PRICE_SYNC_TIMEOUT: 2, ...env } });
  t.after(() => service.stop());
  const table = () => own.value("SELECT string_agg(concat_ws(' ', model_name, price_data->'input_cost_per_token'), ', ' ORDER BY model_name) FROM public.model_prices");
  const syncStatus = async () => (await service.fetch(`${models}:syncStatus`)).json();
  return { own, service, table, syncStatus };
}

test('a schedule holds back what moves beyond the limit, to zero or from zero; the rest is applied', async (t) => {
  cloud.serve(tableOf({ a: 0.000003, b: 0.000001, d: 0, e: 1, f: 1 }));
  const { own, service, table, syncStatus } = await scheduled(t);
  const channel = { name: 'ops', type: 'slack', settings: { url: 'http://127.0.0.1:9/' } };
  assert.equal((await service.fetch('/api/admin/notify/channels', { method: 'POST', body: JSON.stringify(channel), headers: { 'content-type': 'application/json' } })).status, 201);
  await until('the first prices', async () => (await own.count('public.model_prices')) === 5, 30_000);
  cloud.serve(tableOf({ a: 0.003, b: 0, c: 1, d: 1, e: 10, f: 11 }));
  await until('the second table', async () => (await table()).includes('c 1'), 30_000);
  assert.equal(await table(), 'a 0.000003, b 0.000001, c 1, d 0, e 10, f 1');
  const held = (await syncStatus()).held;
  assert.deepEqual(held.map(({ modelName, status: s, changes }) => [modelName, s, changes[0].code, changes[0].new]), [
    ['a', 'waiting', 'moved_beyond_limit', 0.003], ['b', 'waiting', 'moved_to_zero', 0], ['d', 'waiting', 'moved_from_zero', 1], ['f', 'waiting', 'moved_beyond_limit', 11]]);
  assert.ok(service.log().includes('held_back'));
  await until('a message', () => own.count("cch_data.notify_queue WHERE kind = 'prices_held' AND mood = 'bad' AND (details->>'count')::int = 4").then((n) => n > 0), 10_000);

  const ask = async (action, body) => (await post(action, body, service)).body;
  assert.deepEqual((await ask('rejectHeld', { modelNames: ['b'] })).rejected, ['b']);
  assert.deepEqual((await ask('approveHeld', { modelNames: ['a'] })).updated, ['a']);
  assert.equal((await post('approveHeld', { modelNames: ['e'] }, service)).status, 404);
  assert.equal((await post('approveHeld', {}, service)).status, 400);
  const shown = await cli(['prices', 'held'], { dsn: own.dsn });
  assert.match(shown.stdout, /d \(waits\)|d （等待批准）|d \(等待批准\)/);
  assert.deepEqual(JSON.parse((await cli(['prices', 'approve', 'd', '--json'], { dsn: own.dsn })).stdout).updated, ['d']);
  assert.equal(await table(), 'a 0.003, b 0.000001, c 1, d 1, e 10, f 1');
  // A manual sync applies waiting changes and leaves out rejected ones.
  const { updated, held: left } = await ask('syncLitellm');
  assert.deepEqual([updated, left.map(({ modelName, code }) => [modelName, code])], [['f'], [['b', 'change_rejected']]]);
  assert.equal(await table(), 'a 0.003, b 0.000001, c 1, d 1, e 10, f 11');
  cloud.serve(tableOf({ a: 0.003, b: 0.000002, c: 1, d: 1, e: 10, f: 11 }));
  await until('an ordinary price', async () => (await table()).includes('b 0.000002'), 30_000);
  await until('nothing held back', async () => (await syncStatus()).held.length === 0, 30_000);
  await until('the end of it', () => own.count("cch_data.notify_queue WHERE mood = 'recovered'").then((n) => n > 0), 10_000);
  assert.equal(await own.count('cch_data.notify_queue'), 2);
  assert.equal(await own.count("public.audit_log WHERE action_type IN ('model_price.approve', 'model_price.reject')"), 3);
});

test('where a hub keeps prices itself the schedule does nothing, a sync asks, and who insists keeps its fields', async (t) => {
  cloud.serve(tableOf({ a: 2, c: 1 }));
  const { own, service, table, syncStatus } = await scheduled(t, `
    CREATE TABLE public.cloud_pricing_catalog (id serial, version varchar(64), synced_at timestamptz DEFAULT now());
    INSERT INTO public.cloud_pricing_catalog (version) VALUES ('1+cvt1');
    INSERT INTO public.model_prices (model_name, price_data, source) VALUES
      ('a', '{"mode":"chat","input_cost_per_token":1,"vendor":"v","pricing":{"p":{"input_cost_per_token":1}}}', 'cloud'),
      ('b', '{"mode":"chat","input_cost_per_token":1}', 'cloud')`);
  await until('a note', () => service.log().includes('left to the hub'), 30_000);
  const refused = await post('syncLitellm', undefined, service);
  assert.deepEqual([refused.status, refused.body.errorCode], [409, 'prices.hub_keeps']);
  assert.equal(await table(), 'a 1, b 1');
  const state = await syncStatus();
  assert.deepEqual([state.hubKeepsPrices, state.scheduled, state.last], [true, false, null]);
  const env = { PRICE_SYNC_URL: `${cloud.url}/s.json` };
  assert.equal((await cli(['prices', 'sync'], { dsn: own.dsn, env })).code, 3);
  assert.equal((await cli(['prices', 'sync', '--dry-run'], { dsn: own.dsn, env })).code, 0);
  assert.deepEqual((await post('syncLitellm', { besideHub: true }, service)).body.updated, ['a']);
  assert.equal(await own.value("SELECT price_data FROM public.model_prices WHERE model_name = 'a'"),
    '{"mode": "chat", "vendor": "v", "pricing": {"p": {"input_cost_per_token": 1}}, "input_cost_per_token": 2}');
  await own.exec("UPDATE public.cloud_pricing_catalog SET synced_at = now() - interval '8 days'");
  cloud.serve(tableOf({ a: 3, c: 1 }));
  await until('the schedule', async () => (await table()) === 'a 3, b 1, c 1', 30_000);
});

test('a database that was never migrated here keeps what a sync has to know', async () => {
  const own = await Database.create(server);
  await own.exec(`CREATE TABLE public.model_prices (id serial PRIMARY KEY, model_name varchar NOT NULL, price_data jsonb NOT NULL,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), source varchar(20) NOT NULL DEFAULT 'cloud')`);
  const run = () => cli(['prices', 'sync', '--json'], { dsn: own.dsn, env: { PRICE_SYNC_URL: cloud.url } });
  cloud.serve(tableOf({ y: 1, z: 1 }));
  const { stderr } = await run();
  assert.doesNotMatch(stderr, /CRITICAL/);
  cloud.serve(tableOf({ x: 1, y: 1 }));
  assert.deepEqual(JSON.parse((await run()).stdout).removed, ['z']);
  assert.equal(await own.count("pg_tables WHERE schemaname = 'public'"), 1);
});

test('after three failures in a row the status says since when the prices are stale', async () => {
  cloud.serve(tableOf({ a: 1 }));
  await sync();
  const success = (await status()).last.lastSuccessAt;
  cloud.answer = (request, response) => response.writeHead(404).end();
  for (let n = 1; n <= 3; n++) {
    assert.equal((await status()).last.staleSince, null);
    await sync();
  }
  const { last } = await status();
  assert.deepEqual([last.consecutiveFailures, last.staleSince], [3, success]);
  cloud.serve(tableOf({ a: 1 }));
  await sync();
  assert.equal((await status()).last.staleSince, null);
});

test('a model without a name is refused everywhere', async () => {
  const put = await first.fetch(`${models}/${encodeURIComponent(' ')}`, { method: 'PUT', body: '{"mode":"chat","inputCostPerToken":1}', headers: { 'content-type': 'application/json' } });
  assert.ok(put.status >= 400 && put.status < 500, `${put.status}`);
  assert.equal((await cli(['prices', 'set', ' ', 'mode=chat'], { dsn: database.dsn })).code, 3);
  assert.equal((await post('upload', { content: '{" ":{"mode":"chat"}}' })).status, 400);
  assert.equal(await database.count('public.model_prices'), 0);
});

test('the command line syncs, and shows first', async () => {
  cloud.serve(tableOf({ a: 1 }));
  const run = (...args) => cli(['prices', 'sync', ...args], { dsn: database.dsn, env: { PRICE_SYNC_URL: cloud.url } });
  assert.match((await run('--dry-run')).stdout, /\+ a\n {4}\+ input_cost_per_token = 1/);
  assert.equal(await database.count('public.model_prices'), 0);
  assert.match((await run()).stdout, /1 added/);
  assert.equal((await cli(['prices', 'sync'], { dsn: database.dsn, env: { PRICE_SYNC_URL: 'ftp://x' } })).code, 2);
});
