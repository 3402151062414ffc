// The prices, as an administrator keeps them in a browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Database } from '../api/support/database.mjs';
import { startCloud, tableOf } from '../api/support/prices.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, cli, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const refused = /Failed to load resource: the server responded with a status of (400|409|502)/;

const w = {
  'zh-CN': {
    title: '模型价格', search: '搜索模型名称', table: '价格列表', add: '添加模型', upload: '上传价格表', sync: '同步云端价格', save: /保\s*存/, cancel: /取\s*消/,
    manual: '手动', cloud: '云端', edit: '编辑', input: '输入', notNumber: '请输入数字，如 3 或 0.25', notJson: '不是有效的 JSON 对象：第 1 行第 9 列',
    noMatch: '没有符合筛选条件的模型', clear: '清除筛选', nothing: /还没有模型价格/, conflicts: '冲突 1', all: '全选 1 个', apply: /应用 \d+ 项更改/, applied: /已完成/,
    actions: (name) => `${name} 的操作`, source: '来源', sort: '排序',
  },
  en: {
    title: 'Model prices', search: 'Search model names', table: 'Prices', add: 'Add model', upload: 'Upload a table', sync: 'Sync with the cloud', save: 'Save', cancel: 'Cancel',
    manual: 'Manual', cloud: 'Cloud', edit: 'Edit', input: 'Input', notNumber: 'Enter a number, such as 3 or 0.25', notJson: 'Not a JSON object: line 1, column 9',
    noMatch: 'No model matches the filters', clear: 'Clear filters', nothing: /There are no prices yet/, conflicts: '1 conflicts', all: 'Choose all 1', apply: /Apply \d+ changes/,
    applied: /Done:/, actions: (name) => `Actions for ${name}`, source: 'Source', sort: 'Sort by',
  },
};

describe('the prices page', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, service, browser, cloud;

  before(async () => {
    database = await Database.create(await startPostgres());
    assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
    cloud = await startCloud();
    service = await Service.start({ dsn: database.dsn, env: { PRICE_SYNC_URL: `${cloud.url}/table.json`, PRICE_SYNC_TIMEOUT: 5 } });
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    cloud?.stop();
  });
  beforeEach(() => database.exec('TRUNCATE public.model_prices, public.audit_log, cch_data.price_applied, cch_data.price_sync'));

  const put = (name, source, data) =>
    database.exec(`INSERT INTO public.model_prices (model_name, source, price_data) VALUES ('${name}', '${source}', '${data}')`);
  const many = (n) => database.exec(`INSERT INTO public.model_prices (model_name, source, price_data)
    SELECT 'model-' || to_char(n, 'FM0000'), CASE WHEN n % 10 = 0 THEN 'manual' ELSE 'cloud' END,
           jsonb_build_object('mode', CASE WHEN n % 3 = 0 THEN 'embedding' ELSE 'chat' END, 'litellm_provider', 'provider-' || n % 7,
                              'input_cost_per_token', n * 0.000001, 'output_cost_per_token', n * 0.000005) FROM generate_series(1, ${n}) AS n`);
  const dataOf = (name) => database.value(`SELECT source || ' ' || price_data FROM public.model_prices WHERE model_name = '${name}'`);
  const everything = () => database.value("SELECT string_agg(concat_ws(' ', model_name, source, price_data), E'\\n' ORDER BY model_name) FROM public.model_prices");

  async function open(address = '/settings/prices', options = {}) {
    const window = await browser.open(service, { expected: [refused], ...options });
    await window.goto(address);
    await window.page.getByRole('heading', { level: 1, name: w[window.language].title }).waitFor();
    return window;
  }

  async function choose(page, name, action) {
    await page.getByRole('button', { name: w.en.actions(name), exact: true }).click();
    await page.getByRole('menuitem', { name: action }).click();
  }

  const rows = (page, language = 'en') => page.getByRole('table', { name: w[language].table }).locator('tbody tr.ant-table-row');

  async function drop(page, name, text) {
    const data = await page.evaluateHandle(([file, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], file));
      return transfer;
    }, [name, typeof text === 'string' ? text : JSON.stringify(text)]);
    await page.dispatchEvent('.ant-upload-drag [type=file]', 'drop', { dataTransfer: data });
  }

  for (const [language, size] of views) {
    test(`thousands of models are searched, filtered, sorted and paged, and the address keeps it (${language}, ${size})`, async () => {
      await many(3000);
      const t = w[language];
      const window = await open('/settings/prices', { language, size });
      const { page } = window;
      await page.getByText('model-0001', { exact: true }).waitFor();
      assert.equal(await rows(page, language).count(), 50);
      await window.screenshot('prices');
      await window.assertAccessible();
      await page.getByLabel(t.search).fill('model-29');
      await page.waitForURL(/search=model-29/);
      await page.getByText('model-2900', { exact: true }).waitFor();
      await page.getByRole('combobox', { name: t.source }).click();
      await page.locator('.ant-select-item-option', { hasText: t.manual }).click();
      await page.waitForURL(/source=manual/);
      await page.waitForFunction(() => document.querySelectorAll('tr.ant-table-row').length === 10);
      assert.match(await rows(page, language).first().innerText(), /\$2900[^]*\$14500/);
      await page.reload();
      await page.getByText('model-2900', { exact: true }).waitFor();
      assert.equal(await rows(page, language).count(), 10);
      await page.getByLabel(t.search).fill('none of this name');
      await page.getByText(t.noMatch).waitFor();
      await page.getByRole('button', { name: t.clear }).first().click();
      await page.getByText('model-0001', { exact: true }).waitFor();
      await window.goto('/settings/prices?sortBy=inputPrice&sortOrder=desc&page=2');
      await page.getByText('model-2950', { exact: true }).waitFor();
      await window.close();
    });

    test(`a price is edited, with what is wrong said at once (${language}, ${size})`, async () => {
      await put('gpt-x', 'cloud', '{"mode":"chat","input_cost_per_token":0.000002,"max_tokens":5}');
      const t = w[language];
      const window = await open('/settings/prices', { language, size });
      const { page } = window;
      await page.getByRole('button', { name: t.actions('gpt-x'), exact: true }).click();
      await page.getByRole('menuitem', { name: t.edit }).click();
      const drawer = page.getByRole('dialog');
      await drawer.getByLabel(t.input, { exact: true }).fill('3,5');
      await drawer.getByText(t.notNumber).waitFor();
      await drawer.getByLabel(/JSON/).fill('{"a": 1,}');
      await drawer.getByText(t.notJson).waitFor();
      await window.screenshot('prices-edit');
      await window.assertAccessible();
      await drawer.getByRole('button', { name: t.save }).click();
      assert.equal(await dataOf('gpt-x'), 'cloud {"mode": "chat", "max_tokens": 5, "input_cost_per_token": 0.000002}');
      await drawer.getByLabel(t.input, { exact: true }).fill('3.5');
      await drawer.getByLabel(/JSON/).fill('{"max_tokens": 7}');
      await drawer.getByRole('button', { name: t.save }).click();
      await drawer.waitFor({ state: 'hidden' });
      await page.getByText('$3.5', { exact: true }).waitFor();
      assert.equal(await dataOf('gpt-x'), 'manual {"mode": "chat", "max_tokens": 7, "input_cost_per_token": 0.0000035}');
      await window.close();
    });

    test(`a table is dropped, looked at, and applied with a conflict chosen (${language}, ${size})`, async () => {
      await put('same', 'cloud', '{"mode":"chat","input_cost_per_token":0.000001}');
      await put('changed', 'cloud', '{"mode":"chat","input_cost_per_token":0.000001}');
      await put('mine', 'manual', '{"mode":"chat","input_cost_per_token":0.000009,"note":"ours"}');
      const before = await everything();
      const table = '{"same":{"input_cost_per_token":1e-6,"mode":"chat"},"changed":{"mode":"chat","input_cost_per_token":0.0000020},"mine":{"mode":"chat","input_cost_per_token":3e-6},"new":{"mode":"chat"},"bad":{"mode":"chat","input_cost_per_token":-1}}';
      const t = w[language];
      const window = await open('/settings/prices', { language, size });
      const { page } = window;
      const drawer = page.getByRole('dialog');
      for (const isLast of [false, true]) {
        await page.getByRole('button', { name: t.upload }).click();
        await drop(page, 'table.json', table);
        await drawer.getByText(t.conflicts, { exact: true }).waitFor();
        await drawer.getByRole('table', { name: /mine/ }).waitFor();
        const sides = await drawer.getByRole('table', { name: /mine/ }).innerText();
        assert.match(sides, /input_cost_per_token\s+0\.000009\s+[^\n]*\$9[^\n]*\s+0\.000003\s+[^\n]*\$3/);
        assert.match(sides, /note\s+"ours"\s+–/);
        await drawer.getByRole('button', { name: t.all }).click();
        if (!isLast) {
          await window.screenshot('prices-upload');
          await window.assertAccessible();
          await drawer.getByRole('button', { name: t.cancel }).click();
          await drawer.waitFor({ state: 'hidden' });
          assert.equal(await everything(), before);
        }
      }
      await drawer.getByRole('button', { name: t.apply }).click();
      await page.getByText(t.applied).waitFor();
      await drawer.waitFor({ state: 'hidden' });
      assert.equal(await everything(), [
        'changed cloud {"mode": "chat", "input_cost_per_token": 0.0000020}', 'mine cloud {"mode": "chat", "input_cost_per_token": 0.000003}',
        'new cloud {"mode": "chat"}', 'same cloud {"mode": "chat", "input_cost_per_token": 0.000001}'].join('\n'));
      await window.close();
    });

    test(`a sync shows its changes first and its status afterwards (${language}, ${size})`, async () => {
      await put('mine', 'manual', '{"mode":"chat","input_cost_per_token":0.000009}');
      cloud.serve(tableOf({ mine: 3e-6, fresh: 1e-6 }));
      const t = w[language];
      const window = await open('/settings/prices', { language, size });
      const { page } = window;
      const drawer = page.getByRole('dialog');
      await page.getByRole('button', { name: t.sync }).click();
      await drawer.getByText(t.conflicts, { exact: true }).waitFor();
      await window.screenshot('prices-sync');
      await window.assertAccessible();
      await page.keyboard.press('Escape');
      await drawer.waitFor({ state: 'hidden' });
      assert.equal(await database.count('public.model_prices'), 1);
      await page.getByRole('button', { name: t.sync }).click();
      await drawer.getByRole('button', { name: t.apply }).click();
      await page.getByText(t.applied).waitFor();
      await page.getByText('fresh', { exact: true }).waitFor();
      assert.match(await dataOf('mine'), /^manual .*0\.000009/);
      assert.match(await dataOf('fresh'), /^cloud .*0\.000001/);
      await window.close();
    });
  }

  test('what an editor does not change stays to the last digit, and what it takes out is gone', async () => {
    await put('exact', 'cloud', `{"mode":"chat","input_cost_per_token":0.1234567890123456789012345678901,"big":123456789012345678901234567890,
      "deep":{"a":[1.10,{"b":null}]},"gone":true,"output_cost_per_token":0.000001}`);
    const window = await open();
    const { page } = window;
    await page.getByText('$123456.7890123456789012345678901', { exact: true }).waitFor();
    await choose(page, 'exact', 'Edit');
    const drawer = page.getByRole('dialog');
    assert.equal(await drawer.getByLabel('Input', { exact: true }).inputValue(), '123456.7890123456789012345678901');
    const others = await drawer.getByLabel(/JSON/).inputValue();
    assert.match(others, /123456789012345678901234567890,?\n[^]*1\.10/);
    await drawer.getByLabel(/JSON/).fill(others.replace(/,\s*"gone": true|"gone": true,\s*/, ''));
    await drawer.getByLabel('Output', { exact: true }).fill('0.30000000000000004');
    await drawer.getByLabel('Cache read', { exact: true }).fill('1e-3');
    await drawer.getByRole('button', { name: 'Save' }).click();
    await drawer.waitFor({ state: 'hidden' });
    assert.equal(await database.value(`SELECT price_data = '{"mode":"chat","input_cost_per_token":0.1234567890123456789012345678901,"big":123456789012345678901234567890,
      "deep":{"a":[1.10,{"b":null}]},"output_cost_per_token":0.00000030000000000000004,"cache_read_input_token_cost":0.000000001}'::jsonb
      FROM public.model_prices WHERE model_name = 'exact' AND source = 'manual'`), 't', await dataOf('exact'));
    await window.close();
  });

  test('an editor warns of what looks wrong and saves it all the same; leaving asks first', async () => {
    await put('warned', 'manual', '{"mode":"chat","input_cost_per_token":0.000001}');
    const window = await open();
    const { page } = window;
    await choose(page, 'warned', 'Edit');
    const drawer = page.getByRole('dialog').first();
    await drawer.getByLabel('Input', { exact: true }).fill('10.01');
    await drawer.getByText(/More than ten times away/).waitFor();
    await drawer.getByLabel('Output', { exact: true }).fill('5000');
    await drawer.getByText(/More than 5,000 dollars/).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Go on editing' }).click();
    await drawer.getByRole('button', { name: 'Save' }).click();
    await drawer.waitFor({ state: 'hidden' });
    assert.equal(await dataOf('warned'), 'manual {"mode": "chat", "input_cost_per_token": 0.00001001, "output_cost_per_token": 0.005}');
    await window.close();
  });

  test('a model is added, but not twice, and deleted, but not by mistake', async () => {
    await put('taken', 'cloud', '{"mode":"chat"}');
    const window = await open();
    const { page } = window;
    await page.getByRole('button', { name: 'Add model' }).click();
    const drawer = page.getByRole('dialog').first();
    await drawer.getByRole('button', { name: 'Save' }).click();
    await drawer.getByText('Enter the name', { exact: true }).waitFor();
    await drawer.getByLabel('Model name').fill(' taken ');
    await drawer.getByRole('button', { name: 'Save' }).click();
    await drawer.getByText(/There is a model of this name/).waitFor();
    await drawer.getByLabel('Model name').fill('a/b "c"');
    await drawer.getByLabel('Input', { exact: true }).fill('0.25');
    await drawer.getByRole('button', { name: 'Save' }).click();
    await drawer.waitFor({ state: 'hidden' });
    await page.getByText('a/b "c"', { exact: true }).waitFor();
    assert.equal(await dataOf('a/b "c"'), 'manual {"mode": "chat", "input_cost_per_token": 0.00000025}');
    await choose(page, 'a/b "c"', 'Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await database.count('public.model_prices'), 2);
    await choose(page, 'a/b "c"', 'Delete');
    await page.getByRole('dialog').last().getByRole('button', { name: 'Delete' }).click();
    await page.getByText('a/b "c" is deleted').waitFor();
    assert.equal(await database.count('public.model_prices'), 1);
    await window.close();
  });

  test("one provider's prices are pinned", async () => {
    await put('pinned', 'cloud', '{"mode":"chat","pricing":{"one":{"input_cost_per_token":1e-6},"two":{"input_cost_per_token":2e-6}}}');
    const window = await open();
    const { page } = window;
    await choose(page, 'pinned', "Pin a provider's price");
    await page.getByRole('radio', { name: /^two.*Input \$2/ }).check();
    await window.assertAccessible();
    await page.getByRole('dialog').getByRole('button', { name: 'Pin', exact: true }).click();
    await page.getByText('The price of pinned is pinned').waitFor();
    assert.match(await dataOf('pinned'), /^manual .*"input_cost_per_token": 0\.000002/);
    await window.close();
  });

  test('an export is a file that uploads to the same', async () => {
    await put('one', 'cloud', '{"mode":"chat","input_cost_per_token":0.30000000000000004}');
    await put('two', 'manual', '{"mode":"chat"}');
    const window = await open();
    const { page } = window;
    await page.getByRole('button', { name: /Export/ }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'All, as TOML' }).click()]);
    assert.equal(download.suggestedFilename(), 'prices.toml');
    const file = readFileSync(await download.path(), 'utf8');
    assert.match(file, /0\.30000000000000004/);
    await page.getByRole('button', { name: 'Upload a table' }).click();
    await drop(page, 'prices.toml', file);
    await page.getByText('The prices are up to date').waitFor();
    await window.close();
  });

  test('an upload that others overtook is compared again, and a file that is none says where', async () => {
    const window = await open();
    const { page } = window;
    await page.getByText(w.en.nothing).waitFor();
    await page.getByRole('button', { name: 'Upload a table' }).click();
    const drawer = page.getByRole('dialog');
    await drop(page, 'broken.json', '{"a": {"mode": "chat"},}');
    await drawer.getByText(/JSON, line 1, column 24/).waitFor();
    await window.screenshot('prices-upload-broken');
    await drawer.getByRole('button', { name: 'Another file' }).click();
    await drop(page, 'good.json', tableOf({ a: 1e-6 }));
    await drawer.getByRole('button', { name: 'Apply 1 changes' }).waitFor();
    await put('other', 'cloud', '{"mode":"chat"}');
    await drawer.getByRole('button', { name: 'Apply 1 changes' }).click();
    await drawer.getByText(/Prices have changed since they were compared/).waitFor();
    assert.equal(await database.count('public.model_prices'), 1);
    await drawer.getByRole('button', { name: 'Compare again' }).click();
    await drawer.getByRole('button', { name: 'Apply 1 changes' }).click();
    await page.getByText(w.en.applied).waitFor();
    assert.equal(await database.count('public.model_prices'), 2);
    await window.close();
  });

  test('a cloud that fails says why, and one that shrank can be followed after a look', async () => {
    await database.exec(`INSERT INTO cch_data.price_sync (one, last_try_at, last_success_at, model_count, model_names) VALUES (true, now(), now(), 3, '{a,b,c}')`);
    for (const name of ['a', 'b', 'c']) await put(name, 'cloud', '{"mode":"chat","input_cost_per_token":0.000001}');
    cloud.answer = (request, response) => response.writeHead(404).end();
    const window = await open();
    const { page } = window;
    const drawer = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Sync with the cloud' }).click();
    await drawer.getByText('The cloud answered HTTP 404').waitFor();
    cloud.serve(tableOf({ a: 1e-6 }));
    await drawer.getByRole('button', { name: 'Try again' }).click();
    await drawer.getByText(/1 valid models now, 3 last time/).waitFor();
    await window.assertAccessible();
    await drawer.getByRole('button', { name: 'Show what would change' }).click();
    await drawer.getByText('2 removed', { exact: true }).waitFor();
    await drawer.getByRole('button', { name: 'Apply 2 changes' }).click();
    await page.getByText(w.en.applied).waitFor();
    assert.equal(await database.count('public.model_prices'), 1);
    await window.close();
  });

  test('where a hub keeps the prices, a sync says so and asks first', async () => {
    await database.exec("CREATE TABLE public.cloud_pricing_catalog (id serial, version varchar(64), synced_at timestamptz DEFAULT now()); INSERT INTO public.cloud_pricing_catalog (version) VALUES ('1+cvt1')");
    cloud.serve(tableOf({ fresh: 1e-6 }));
    const own = await Service.start({ dsn: database.dsn, env: { PRICE_SYNC_URL: `${cloud.url}/table.json`, PRICE_SYNC_INTERVAL: 3600 } });
    const window = await browser.open(own, { expected: [refused] });
    const { page } = window;
    await window.goto('/settings/prices');
    await page.getByText('Automatic syncs are left to the hub').first().waitFor();
    await page.getByRole('button', { name: w.en.sync }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/takes back what this one writes/).waitFor();
    await window.assertAccessible();
    await window.screenshot('prices-hub-keeps');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await database.count('public.model_prices'), 0);
    await page.getByRole('button', { name: w.en.sync }).click();
    await dialog.getByRole('button', { name: 'Sync all the same' }).click();
    await page.getByRole('dialog').getByRole('button', { name: w.en.apply }).click();
    await page.getByText(w.en.applied).waitFor();
    assert.match(await dataOf('fresh'), /^cloud /);
    await database.exec('DROP TABLE public.cloud_pricing_catalog');
    await window.close();
    await own.stop();
  });

  test('a failed sync stands on the page with its reason until one succeeds', async () => {
    cloud.answer = (request, response) => response.writeHead(403).end();
    await put('mine', 'manual', '{"mode":"chat","display_name":"Mine","input_cost_per_token":0.000009,"output_cost_per_image":0.04}');
    await put('theirs', 'cloud', '{"mode":"chat","cache_read_input_token_cost":0}');
    await service.fetch('/api/v1/model-prices:syncLitellm', { method: 'POST' });
    const window = await open('/settings/prices', { colors: 'dark' });
    const { page } = window;
    await page.getByText(/The sync of .* failed; prices are as they were/).waitFor();
    await page.getByText(/HTTP 403/).first().waitFor();
    await window.screenshot('prices-sync-failed');
    await window.assertAccessible();
    cloud.serve(tableOf({ a: 1e-6 }));
    await page.getByRole('button', { name: 'Sync now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply 1 changes' }).click();
    await page.getByText(w.en.applied).waitFor();
    await page.getByText(/The sync of .* failed/).waitFor({ state: 'hidden' });
    await window.close();
  });
});
