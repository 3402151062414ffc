// Prices through all interfaces: uploads, single models, lists, exports, the command line.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, cli } from './support/service.mjs';
import { randomTable } from './support/prices.mjs';

let server, database, service;
const models = '/api/v1/model-prices';

before(async () => {
  server = await startPostgres();
  database = await Database.create(server);
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
  service = await Service.start({ dsn: database.dsn });
});
after(() => service?.stop());
beforeEach(() => database.exec('TRUNCATE public.model_prices, public.audit_log'));

async function send(method, target, body, headers = {}) {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await service.fetch(target, {
    method,
    body: text,
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), 'accept-language': 'en', ...headers },
  });
  const reply = await response.text();
  return { status: response.status, headers: response.headers, text: reply, body: reply === '' ? null : JSON.parse(reply) };
}

const upload = (content, options = {}) =>
  send('POST', `${models}:upload`, { content: typeof content === 'string' ? content : JSON.stringify(content), ...options });

const chat = (input, more = {}) => ({ mode: 'chat', input_cost_per_token: input, ...more });

const stored = async (name) =>
  database.value(`SELECT string_agg(source || ' ' || (price_data->'input_cost_per_token'), ', ' ORDER BY source)
                    FROM public.model_prices WHERE model_name = '${name}'`);

test('an upload of JSON in JSON answers with what became of each model', async () => {
  await upload({ kept: chat(2), changed: chat(1) });
  await upload({ mine: chat(5) }, { source: 'manual' });
  const { status, body } = await upload(
    '{"kept":{"mode":"chat","input_cost_per_token":2.0},"changed":{"mode":"chat","input_cost_per_token":3e-7},' +
      '"new":{"mode":"chat"},"mine":{"mode":"chat"},"bad":{"mode":"chat","input_cost_per_token":-1}}',
  );
  assert.equal(status, 200);
  assert.deepEqual(body.added, ['new']);
  assert.deepEqual(body.updated, ['changed']);
  assert.deepEqual(body.unchanged, ['kept', 'mine']);
  assert.deepEqual(body.skippedConflicts, ['mine']);
  assert.deepEqual(body.failed, ['bad']);
  assert.equal(body.total, 5);
  assert.match(body.failures[0].reason, /input_cost_per_token must not be negative, but is -1/);
  assert.equal(await stored('changed'), 'cloud 0.0000003');
  assert.equal(await stored('mine'), 'manual 5');
});

test('a file in a form is taken like the text, TOML too', async () => {
  const form = new FormData();
  form.set('file', new Blob(['[models."a/b"]\nmode = "chat"\ninput_cost_per_token = 0.000_000_3\n']), 'prices.toml');
  form.set('source', 'manual');
  const response = await service.fetch(`${models}:upload`, { method: 'POST', body: form });
  assert.deepEqual((await response.json()).added, ['a/b']);
  assert.equal(await stored('a/b'), 'manual 0.0000003');
});

test('names to overwrite come as an array or in a form', async () => {
  await upload({ a: chat(1), b: chat(1) }, { source: 'manual' });
  const form = new FormData();
  form.set('file', new Blob([JSON.stringify({ a: chat(2), b: chat(2) })]), 'prices.json');
  form.append('overwriteManual', '["a"]');
  assert.deepEqual((await (await service.fetch(`${models}:upload`, { method: 'POST', body: form })).json()).updated, ['a']);
  const { body } = await upload({ a: chat(2), b: chat(2) }, { overwriteManual: ['b'] });
  assert.deepEqual([body.updated, body.unchanged], [['b'], ['a']]);
});

test('models that are left out stay as they are, the others change', async () => {
  await upload({ a: chat(1), b: chat(1), c: chat(1) });
  const table = { a: chat(2), b: chat(2), c: chat(1), d: chat(4) };
  const { body } = await upload(table, { leaveOut: ['a', 'c', 'd', 'unknown'] });
  assert.deepEqual([body.added, body.updated, body.unchanged, body.leftOut], [[], ['b'], ['c'], ['a', 'd']]);
  assert.deepEqual([await stored('a'), await stored('b'), await stored('d')], ['cloud 1', 'cloud 2', null]);
  const form = new FormData();
  form.set('file', new Blob([JSON.stringify(table)]), 'prices.json');
  form.append('leaveOut', '["d"]');
  const reply = await (await service.fetch(`${models}:upload`, { method: 'POST', body: form })).json();
  assert.deepEqual([reply.updated, reply.leftOut], [['a'], ['d']]);
  assert.equal((await upload(table, { leaveOut: 'a' })).status, 400);
});

test('a dry run shows every field and changes nothing', async () => {
  await upload({ a: chat(1, { x: 1 }) });
  const { body } = await upload({ a: chat(2, { y: 2 }) }, { dryRun: true });
  assert.deepEqual(body.changes[0].fields, [
    { field: 'input_cost_per_token', old: 1, new: 2 },
    { field: 'x', old: 1, new: null },
    { field: 'y', old: null, new: 2 },
  ]);
  assert.equal(await stored('a'), 'cloud 1');
});

test('what cannot be an upload is refused as a problem with its code', async () => {
  const cases = [
    [{ content: '{' }, 400, 'prices.format', /line 1, column 2/],
    [{ content: '{}' }, 400, 'prices.no_valid_model', /no models/],
    [{ content: '' }, 400, 'request.validation_failed', /empty/],
    [{ content: 'x', source: 'heaven' }, 400, 'request.validation_failed', /source/],
    [{ content: 'x', colour: 'red' }, 400, 'request.validation_failed', /colour/],
    [{ content: 'x', overwriteManual: [1] }, 400, 'request.validation_failed', /overwriteManual/],
    ['{"content":1}', 400, 'request.validation_failed', /content/],
    ['{"content":', 400, 'request.malformed_json', /line 1/],
    [{ content: '<html>502</html>' }, 400, 'prices.format', /JSON nor TOML/],
    [{ content: '{"a":{"mode":"chat","input_cost_per_token":[1]}}' }, 400, 'prices.no_valid_model', /input_cost_per_token must be a number, not \[…\]/],
    [{ content: '[1,2]' }, 400, 'prices.format', /^JSON: the root must be an object of models, not an array/],
    [{ content: ' "models" ' }, 400, 'prices.format', /^JSON: the root must be an object of models, not a single value/],
    [{ content: '[models.a\nmode = 1' }, 400, 'prices.format', /^TOML, line 1, column 10/],
    [{ content: '['.repeat(100) + '{"a":1}' }, 400, /prices\./, /./],
  ];
  for (const [body, status, code, detail] of cases) {
    const reply = await send('POST', `${models}:upload`, body);
    assert.equal(reply.status, status, reply.text);
    assert.match(reply.headers.get('content-type'), /application\/problem\+json/);
    assert.match(reply.body.errorCode, new RegExp(code));
    assert.match(reply.body.detail, detail);
  }
  const zh = await send('POST', `${models}:upload`, { content: '{' }, { 'accept-language': 'zh-CN' });
  assert.equal(zh.body.title, '价格表格式错误');
});

test('a dry run shows the manual prices that differ, and what it showed is applied or nothing', async () => {
  await upload({ a: chat(1), b: chat(1), c: chat(1) }, { source: 'manual' });
  const table = { a: chat(1), b: chat(2), c: chat(3), d: chat(4) };
  const shown = (await upload(table, { dryRun: true, overwriteManual: ['c'] })).body;
  assert.equal(shown.hasConflicts, true);
  assert.deepEqual(shown.conflicts.map(({ modelName, manualPrice, cloudPrice }) => [modelName, manualPrice, cloudPrice]), [['b', chat(1), chat(2)]]);
  const { body } = await upload(table, { overwriteManual: ['c'], expectedState: shown.state });
  for (const member of ['added', 'updated', 'unchanged', 'skippedConflicts', 'failed', 'total']) assert.deepEqual(body[member], shown[member], member);
  const late = await upload({ d: chat(9) }, { expectedState: shown.state });
  assert.deepEqual([late.status, late.body.errorCode, await stored('d')], [409, 'prices.check_stale', 'cloud 4']);
});

test('a model whose name has spaces around it, as older hubs stored it, can be read and deleted', async () => {
  await database.exec(`INSERT INTO public.model_prices (model_name, price_data, source) VALUES (' a ', '{"mode":"chat"}', 'manual')`);
  assert.equal((await send('GET', `${models}/%20a%20`)).body.modelName, ' a ');
  assert.equal((await send('DELETE', `${models}/%20a%20`)).status, 204);
  assert.equal(await database.count('public.model_prices'), 0);
});

test('a file over 32 MB is refused', async () => {
  const form = new FormData();
  form.set('file', new Blob([' '.repeat(33 * 1024 * 1024)]), 'prices.json');
  const response = await service.fetch(`${models}:upload`, { method: 'POST', body: form });
  assert.equal(response.status, 413);
  assert.equal((await response.json()).errorCode, 'prices.too_large');
});

test('nobody but an administrator may, and no other site', async () => {
  for (const [method, target] of [['GET', '/api/prices'], ['POST', `${models}:upload`], ['PUT', `${models}/a`]]) {
    assert.equal((await send(method, target, method === 'GET' ? undefined : '{}', { authorization: 'Bearer no' })).status, 401);
  }
});

test('lists are paged, searched, filtered and sorted by current prices', async () => {
  await upload({
    'a_1': chat(3, { litellm_provider: 'x', vendor: 'v' }), 'ab1': chat(1, { litellm_provider: 'y' }),
    'c': { mode: 'embedding', input_cost_per_token: 2, display_name: 'The A_1 of C' },
  });
  await database.exec(`INSERT INTO public.model_prices (model_name, price_data, source)
                       VALUES ('c', '{"mode":"chat","input_cost_per_token":9}', 'manual')`);
  const names = async (query) => (await send('GET', `${models}?${query}`)).body.items.map((item) => item.modelName);
  assert.deepEqual(await names('sortBy=modelName&sortOrder=asc'), ['a_1', 'ab1', 'c']);
  assert.deepEqual(await names('sortBy=inputPrice&sortOrder=desc'), ['c', 'a_1', 'ab1']);
  assert.deepEqual(await names('search=a_1&sortBy=modelName&sortOrder=asc'), ['a_1']);
  assert.deepEqual(await names('source=cloud&sortBy=modelName&sortOrder=asc'), ['a_1', 'ab1']);
  assert.deepEqual(await names('source=manual'), ['c']);
  assert.deepEqual(await names('litellmProvider=y'), ['ab1']);
  assert.deepEqual(await names('vendor=v'), ['a_1']);
  assert.deepEqual(await names('mode=embedding'), []);
  const page = (await send('GET', `${models}?pageSize=2&page=2&sortBy=modelName&sortOrder=asc`)).body;
  assert.deepEqual([page.items.length, page.total, page.page, page.pageSize, page.totalPages], [1, 3, 2, 2, 2]);
  const old = (await send('GET', '/api/prices?size=1')).body;
  assert.deepEqual([old.ok, old.data.data.length, old.data.total, old.data.totalPages], [true, 1, 3, 3]);
  for (const query of ['page=0', 'pageSize=201', 'source=x', 'sortBy=x', 'sortOrder=x', 'unknown=1']) {
    const reply = await send('GET', `/api/prices?${query}`);
    assert.equal(reply.status, 400, query);
    if (query !== 'unknown=1') assert.equal(reply.body.ok, false);
  }
  assert.equal((await send('GET', `${models}/exists`)).body.exists, true);
  assert.deepEqual((await send('GET', `${models}:facets`)).body, {
    total: 3, sources: [{ value: 'cloud', count: 2 }, { value: 'manual', count: 1 }],
    providers: [{ value: 'x', count: 1 }, { value: 'y', count: 1 }], vendors: [{ value: 'v', count: 1 }], modes: [{ value: 'chat', count: 3 }],
  });
});

test('a PUT keeps the fields that it does not name and the decimal that was written', async () => {
  await upload({ 'x/y:1': chat(1, { supports_vision: true, max_tokens: 5 }) });
  const target = `${models}/${encodeURIComponent('x/y:1')}`;
  const reply = await send('PUT', target, '{"inputCostPerToken":1.10e-7,"displayName":"X","extraFieldsJson":"{\\"max_tokens\\":null}"}');
  assert.equal(reply.status, 200, reply.text);
  assert.match(reply.text, /"input_cost_per_token": 0\.000000110[,}]/);
  assert.deepEqual(reply.body.priceData, { mode: 'chat', display_name: 'X', supports_vision: true, input_cost_per_token: 1.1e-7 });
  assert.equal(reply.body.source, 'manual');
  assert.deepEqual((await send('GET', target)).body, reply.body);
  assert.equal(await database.count('public.model_prices'), 1);
  const [type, before, after] = (await database.rows(
    'SELECT action_type, before_value, after_value FROM public.audit_log ORDER BY id DESC LIMIT 1'))[0];
  assert.equal(type, 'model_price.set');
  assert.equal(JSON.parse(before).priceData.max_tokens, 5);
  assert.equal(JSON.parse(after).priceData.display_name, 'X');
});

test('a PUT that is not valid changes nothing', async () => {
  await upload({ a: chat(1) });
  for (const body of [{ inputCostPerToken: -1 }, { mode: null }, { modelName: 'b' }, { colour: 1 }, { extraFieldsJson: '[' },
    { inputCostPerToken: 1, priceData: { input_cost_per_token: 2 } }, { outputCostPerToken: 'x' }]) {
    const reply = await send('PUT', `${models}/a`, body);
    assert.equal(reply.status, 400, JSON.stringify(body));
  }
  assert.equal(await stored('a'), 'cloud 1');
  const zh = await send('PUT', `${models}/a`, { inputCostPerToken: -1 }, { 'accept-language': 'zh-CN' });
  assert.equal(zh.body.detail, 'a: input_cost_per_token 必须为非负数，而不是 -1');
  assert.equal((await send('PUT', `${models}/new`, { inputCostPerToken: 1 })).body.errorCode, 'model_price.invalid');
});

test('a DELETE removes all rows of a model, and is the same again', async () => {
  await upload({ a: chat(1) });
  assert.equal((await send('DELETE', `${models}/a`)).status, 204);
  assert.equal((await send('DELETE', `${models}/a`)).status, 204);
  assert.equal((await send('GET', `${models}/a`)).body.errorCode, 'model_price.not_found');
  assert.equal(await database.count("public.audit_log WHERE action_type = 'model_price.delete'"), 1);
});

test("one provider's prices can be pinned", async () => {
  await upload({ 'm:1': chat(1, { pricing: { p: { input_cost_per_token: 7 } } }) });
  assert.equal((await send('POST', `${models}/m:1/pricing:pinManual`, { pricingProviderKey: 'q' })).status, 404);
  const { body } = await send('POST', `${models}/m:1:pinManual`, { pricingProviderKey: 'p' });
  assert.equal(body.source, 'manual');
  assert.equal(body.priceData.input_cost_per_token, 7);
  assert.equal(body.priceData.selected_pricing_provider, 'p');
  assert.equal(body.priceData.pricing, undefined);
});

test('an export uploads to the very same table, for random tables, in both formats', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    await database.exec('TRUNCATE public.model_prices, cch_data.price_applied');
    const table = randomTable(seed);
    const first = await upload(table);
    assert.equal(first.status, 200, first.text);
    const again = await upload(table);
    assert.equal(again.body.unchanged.length, first.body.added.length);
    for (const format of ['json', 'toml']) {
      await database.exec('TRUNCATE cch_data.price_applied');
      const file = await (await service.fetch(`${models}:export?format=${format}`)).text();
      const same = await upload(file);
      assert.equal(same.status, 200, `${format} ${seed}: ${same.text}`);
      assert.deepEqual([same.body.added, same.body.updated, same.body.failed], [[], [], []], `${format} ${seed}`);
      assert.equal(same.body.unchanged.length, first.body.added.length);
    }
  }
});

test('prices are the decimals that were written, from the file to PostgreSQL and out again', async () => {
  const decimals = ['0.1', '3e-7', '0.30000000000000004', '9007199254740993', '1.000000000000000000001', '0.1234567890123456789012345678901234567890',
    '123456789012345678901234567890.5', '5e-324', '1.5e-150', '2e300'];
  const jsonOnly = ['123456789012345678901234567890', '1e400', '1e-400'];
  const json = [...decimals, ...jsonOnly].map((decimal, i) => `"m${i}":{"mode":"chat","input_cost_per_token":${decimal}}`).join(',');
  const toml = decimals.map((decimal, i) => `[models.m${i}]\nmode = "chat"\ninput_cost_per_token = ${decimal}\n`).join('');
  for (const [content, expected] of [[`{${json}}`, [...decimals, ...jsonOnly]], [toml, decimals]]) {
    await database.exec('TRUNCATE public.model_prices');
    assert.equal((await upload(content)).body.added.length, expected.length);
    for (const [i, decimal] of expected.entries()) {
      const [equal, text] = (await database.rows(`SELECT (price_data->'input_cost_per_token')::numeric = '${decimal}'::numeric,
                                                         price_data->'input_cost_per_token' FROM public.model_prices WHERE model_name = 'm${i}'`))[0];
      assert.equal(equal, 't', decimal);
      assert.ok((await send('GET', `${models}/m${i}`)).text.includes(`"input_cost_per_token": ${text}`), decimal);
    }
    for (const format of ['json', 'toml']) {
      await database.exec('TRUNCATE cch_data.price_applied');
      const file = await (await service.fetch(`${models}:export?format=${format}`)).text();
      const again = await upload(file);
      if (format === 'toml' && content !== toml) assert.match(file, /prices\.no_toml.*1000/s); // 1e400
      else assert.deepEqual([again.body?.added, again.body?.updated, again.body?.failed], [[], [], []], `${format}: ${again.text.slice(0, 300)}`);
    }
  }
});

test('the public table uploads, exports and uploads again to the same', { skip: process.env.CCH_PRICES_TABLE ? false : 'CCH_PRICES_TABLE names no table' }, async () => {
  const text = readFileSync(process.env.CCH_PRICES_TABLE, 'utf8');
  const first = (await upload(text)).body;
  assert.ok(first.added.length > 2000);
  await database.exec('TRUNCATE cch_data.price_applied');
  assert.equal((await upload(text)).body.unchanged.length, first.added.length);
  for (const format of ['json', 'toml']) {
    await database.exec('TRUNCATE cch_data.price_applied');
    const file = await (await service.fetch(`${models}:export?format=${format}`)).text();
    assert.equal((await upload(file)).body.unchanged.length, first.added.length, format);
  }
});

test('the command line does the same', async () => {
  const dsn = database.dsn;
  const run = async (...args) => cli(['prices', ...args], { dsn });
  const file = path.join(temporaryDirectory('prices'), 'table.json');
  writeFileSync(file, JSON.stringify({ a: chat(1), b: chat(2) }));
  const dry = await run('import', file, '--dry-run');
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^\+ a\n {4}\+ input_cost_per_token = 1\n/);
  assert.match(dry.stdout, /Dry run, nothing was changed: 2 added/);
  assert.equal(await database.count('public.model_prices'), 0);
  assert.deepEqual(JSON.parse((await run('import', file, '--json')).stdout).added, ['a', 'b']);
  const odd = path.join(path.dirname(file), 'odd.json');
  writeFileSync(odd, JSON.stringify({ 'red\u001b[31m\nname\u202e': chat(1) }));
  assert.match((await run('import', odd, '--dry-run')).stdout, /^\+ red\\x1b\[31m\\nname\\u202e\n {4}\+/);
  const set = await run('set', 'a', 'input_cost_per_token=3e-7', 'note=dear');
  assert.match(set.stdout, /0\.0000003/);
  assert.match((await run('get', 'a')).stdout, /"note": "dear"/);
  assert.match((await run('list', '--source', 'manual')).stdout, /manual +chat +0\.0000003 +- {2}a\n$/);
  const tried = await run('set', 'a', 'input_cost_per_token=4e-7', 'note=', '--dry-run');
  assert.equal(tried.stdout, '~ a\n    - note = "dear"\n    - input_cost_per_token = 0.0000003\n    + input_cost_per_token = 0.0000004\nDry run, nothing was changed\n');
  assert.deepEqual(JSON.parse((await run('set', 'new', 'mode=chat', '--dry-run', '--json')).stdout).before, null);
  assert.equal((await run('delete', 'a', 'b', '--dry-run')).stdout, '- a\n- b\nDry run, nothing was changed\n');
  assert.equal(await stored('a'), 'manual 0.0000003');
  assert.equal((await run('delete', 'b', 'c')).code, 3);
  assert.equal(await database.count('public.model_prices'), 2);
  assert.deepEqual(JSON.parse((await run('delete', 'b', '--json')).stdout), { deleted: ['b'], dryRun: false });
  assert.equal((await run('delete', 'b')).code, 3);
  const wrong = await run('export', '--dry-run');
  assert.deepEqual([wrong.code, /export does not take --dry-run/.test(wrong.stderr)], [2, true]);
  const toml = await run('export', '--format', 'toml');
  assert.match(toml.stdout, /\[models\."a"\]\n"mode" = "chat"\n"note" = "dear"/);
  const exported = path.join(temporaryDirectory('prices'), 'out.toml');
  assert.equal((await run('export', exported)).code, 0);
  assert.match((await run('import', exported)).stdout, /0 added, 0 updated, 1 unchanged \(1 of them manual/);
  assert.equal((await run('frobnicate')).code, 2);
  assert.equal((await run('import', '/nonexistent')).code, 1);
});

test('a database that a newer hub made says cloud, an older one litellm', async () => {
  await upload({ a: chat(1) });
  assert.equal(await stored('a'), 'cloud 1');
  await database.exec("ALTER TABLE public.model_prices ALTER source SET DEFAULT 'litellm'");
  await upload({ b: chat(1) });
  assert.equal(await stored('b'), 'litellm 1');
  await database.exec("ALTER TABLE public.model_prices ALTER source SET DEFAULT 'cloud'");
});
