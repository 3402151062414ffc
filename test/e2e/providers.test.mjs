// The page of providers, as an administrator uses it: find, choose, edit in bulk, undo, delete, reset circuit breakers.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Database, fixture } from '../api/support/database.mjs';
import { until } from '../api/support/run.mjs';
import { startPostgres, startRedis } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const words = {
  'zh-CN': { title: '供应商', circuit: '熔断', choose: '选择 provider-2', chosen: '已选 1 项', edit: '批量编辑', weight: '修改权重', preview: '预览变更', now: '当前：3', empty: '没有符合筛选条件的项目', back: '返回修改', cancel: /取\s*消/ },
  en: { title: 'Providers', circuit: 'Open', choose: 'Choose provider-2', chosen: '1 chosen', edit: 'Edit', weight: 'Change Weight', preview: 'Preview changes', now: 'Now: 3', empty: 'Nothing matches these filters', back: 'Back', cancel: 'Cancel' },
};

describe('the page of providers', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, redis, service, browser;

  before(async () => {
    let server;
    [server, redis] = await Promise.all([startPostgres(), startRedis()]);
    database = await Database.create(server, { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    await database.exec(`
      UPDATE providers SET provider_type = 'codex', is_enabled = false WHERE id IN (5, 6);
      INSERT INTO providers (id, name, url, key, priority, weight) SELECT 1000 + i, 'many-' || i, 'https://many.example/' || i, 'pk-' || md5('m' || i), i % 3, 10 FROM generate_series(1, 1240) AS i`);
    service = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    browser = await Browser.start();
  });
  after(() => browser?.close());

  const open = (id, ...fields) => redis.command('HSET', `circuit_breaker:state:${id}`, 'circuitState', 'open', 'failureCount', '7', 'lastFailureTime', `${Date.now()}`, 'circuitOpenUntil', `${Date.now() + 25 * 60_000}`, ...fields);
  const column = (name, where = 'true') => database.rows(`SELECT id, ${name} FROM providers WHERE ${where} ORDER BY id`);
  const row = (page, name) => page.getByRole('row').filter({ has: page.getByRole('checkbox', { name: new RegExp(`\\b${name}$`) }) });

  for (const [language, size] of views) {
    test(`shows providers with their circuit breakers, and what an edit would do (${language}, ${size})`, async () => {
      await open(2);
      const w = words[language];
      const window = await browser.open(service, { language, size });
      const { page } = window;
      await window.goto('/settings/providers?q=provider-&sort=name');
      await page.getByRole('heading', { level: 1, name: w.title }).waitFor();
      await row(page, 'provider-2').getByText(w.circuit, { exact: true }).filter({ visible: true }).waitFor();
      await window.assertAccessible();
      await window.screenshot('providers');
      await page.getByRole('checkbox', { name: w.choose, exact: true }).check();
      await page.getByText(w.chosen).waitFor();
      await window.screenshot('providers-chosen');
      await page.getByRole('region').getByRole('button', { name: w.edit }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(w.now, { exact: true }).waitFor();
      await dialog.getByRole('switch', { name: w.weight }).click();
      await dialog.locator('#batch-weight').fill('101');
      await dialog.getByRole('button', { name: w.preview }).click();
      await dialog.getByRole('alert').first().waitFor();
      await window.assertAccessible();
      await window.screenshot('providers-edit');
      await dialog.locator('#batch-weight').fill('50');
      await dialog.getByRole('button', { name: w.preview }).click();
      await dialog.getByRole('row').filter({ hasText: 'provider-2' }).locator('ins', { hasText: '50' }).waitFor();
      await window.assertAccessible();
      await window.screenshot('providers-preview');
      await dialog.getByRole('button', { name: w.back }).click();
      await page.keyboard.press('Escape');
      await dialog.getByRole('button', { name: w.cancel }).click();
      await dialog.waitFor({ state: 'hidden' });
      await page.getByRole('searchbox').fill('nobody');
      await page.getByText(w.empty).waitFor();
      assert.match(page.url(), /q=nobody/);
      await window.close();
    });
  }

  test('edits several with mixed values, leaves one out, and takes it back from the notice', async () => {
    const window = await browser.open(service, { colors: 'dark' });
    const { page } = window;
    await window.goto('/settings/providers?q=provider-&sort=name');
    for (const id of [2, 3, 4]) await page.getByRole('checkbox', { name: `Choose provider-${id}`, exact: true }).check();
    await page.getByRole('region').getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/mixed \(3 different values\): 3 \/ 4 \/ 5/).waitFor();
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('Switch on at least one field first').waitFor();
    await dialog.getByRole('switch', { name: 'Change Weight' }).click();
    await dialog.getByLabel('Weight', { exact: true }).fill('4');
    await dialog.getByRole('switch', { name: 'Change Cost multiplier' }).click();
    await dialog.getByLabel('Cost multiplier', { exact: true }).fill('0.00004');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('Too many decimals').waitFor();
    await dialog.getByLabel('Cost multiplier', { exact: true }).fill('1.3');
    await window.assertAccessible();
    await window.screenshot('providers-edit-dark');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('2 will change').waitFor();
    await dialog.getByText('1 unchanged').waitFor();
    await dialog.getByRole('checkbox', { name: 'Include provider-4' }).uncheck();
    await dialog.getByText('1 will change').waitFor();
    await window.assertAccessible();
    await window.screenshot('providers-preview-dark');
    await dialog.getByRole('button', { name: 'Change 1' }).click();
    await page.getByText('1 changed').waitFor();
    assert.deepEqual(await column('weight, cost_multiplier', 'id IN (2, 3, 4)'), [['2', '4', '1.3000'], ['3', '4', '1.3000'], ['4', '5', '1.4000']]);
    await window.screenshot('providers-done-dark');
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone; set back: 1').waitFor();
    assert.deepEqual(await column('weight', 'id IN (2, 3, 4)'), [['2', '3'], ['3', '4'], ['4', '5']]);
    await window.close();
  });

  test('the fields of newer hubs are edited by their names, each as its kind', async () => {
    const window = await browser.open(service, { language: 'zh-CN' });
    const { page } = window;
    await window.goto('/settings/providers?q=provider-&sort=name');
    for (const id of [2, 3]) await page.getByRole('checkbox', { name: `选择 provider-${id}`, exact: true }).check();
    await page.getByRole('region').getByRole('button', { name: '批量编辑' }).click();
    const dialog = page.getByRole('dialog');
    const on = (name) => dialog.getByRole('switch', { name: `修改${name}` }).click();
    await dialog.getByRole('switch', { name: '修改5 小时限额的重置方式' }).waitFor();
    assert.equal(await dialog.getByText(/[a-z]_[a-z]/).count(), 0); // no column's name
    await on('5 小时限额的重置方式');
    await dialog.getByText('固定时间', { exact: true }).last().click();
    await on('每日重置时间');
    await dialog.getByLabel('每日重置时间', { exact: true }).fill('08:30');
    await on('允许的客户端');
    await dialog.getByLabel('允许的客户端', { exact: true }).fill('claude-cli,codex,');
    await window.assertAccessible();
    await window.screenshot('providers-newer-fields');
    await dialog.getByRole('button', { name: '预览变更' }).click();
    await dialog.getByRole('row').filter({ hasText: 'provider-2' }).locator('ins', { hasText: '固定时间' }).waitFor();
    await dialog.getByRole('button', { name: '修改 2 项' }).click();
    await until('the change', async () => (await column('allowed_clients', 'id = 2'))[0][1] === '["claude-cli", "codex"]');
    assert.deepEqual(await column('limit_5h_reset_mode, daily_reset_time, allowed_clients', 'id IN (2, 3)'),
      [['2', 'fixed', '08:30', '["claude-cli", "codex"]'], ['3', 'fixed', '08:30', '["claude-cli", "codex"]']]);
    await window.close();
  });

  test('chooses all 1,240 that match, not only the page, and changes them in batches of 500', async () => {
    const window = await browser.open(service);
    const { page } = window;
    page.setDefaultTimeout(60_000);
    await window.goto('/settings/providers?q=many');
    await page.getByText('1–50 of 1,240').waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText('51–100 of 1,240').waitFor();
    await page.getByRole('checkbox', { name: 'Choose all of this page' }).check();
    await page.getByText('50 chosen').waitFor();
    await page.getByRole('button', { name: 'Choose all 1,240 that match' }).click();
    await page.getByText('All 1,240 that match are chosen').waitFor();
    await page.getByRole('region').getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('3 batches of at most 500').waitFor();
    await dialog.getByText(/mixed \(3 different values\)/).first().waitFor();
    await dialog.getByRole('switch', { name: 'Change Priority' }).click();
    await dialog.getByLabel('Priority', { exact: true }).fill('2');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('827 will change').waitFor();
    await dialog.getByText('413 unchanged').waitFor();
    await window.screenshot('providers-preview-many');
    await dialog.getByRole('button', { name: 'Change 827' }).click();
    await page.getByText('827 changed').waitFor();
    assert.deepEqual(await database.rows(`SELECT count(*), min(priority), max(priority) FROM providers WHERE name LIKE 'many-%'`), [['1240', '2', '2']]);
    assert.equal(await database.value(`SELECT count(*) FROM cch_data.operations WHERE json_array_length(changes) IN (500, 327)`), '2');
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone; set back: 827').waitFor();
    assert.equal(await database.value(`SELECT count(*) FROM providers WHERE name LIKE 'many-%' AND priority = id % 1000 % 3`), await database.value(`SELECT count(*) FROM providers WHERE name LIKE 'many-%' AND priority = (id - 1000) % 3 AND priority = id % 1000 % 3`));
    assert.equal(await database.value(`SELECT count(*) FROM providers WHERE name LIKE 'many-%' AND priority = (id - 1000) % 3`), '1240');
    await window.close();
  });

  test('a batch that fails in the middle says what is done, and goes on or is undone', async () => {
    const window = await browser.open(service, { expected: [/status of 503/] });
    const { page } = window;
    page.setDefaultTimeout(60_000);
    let count = 0;
    await page.route('**/api/v1/providers:batchUpdate', async (route) => {
      if (!route.request().postDataJSON().dryRun && ++count === 2) {
        await route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ title: 'The database cannot be reached', errorCode: 'database.unavailable', detail: 'made up' }) });
      } else await route.continue();
    });
    await window.goto('/settings/providers?q=many');
    await page.getByRole('checkbox', { name: 'Choose all of this page' }).check();
    await page.getByRole('button', { name: 'Choose all 1,240 that match' }).click();
    await page.getByText('All 1,240 that match are chosen').waitFor();
    await page.getByRole('region').getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/mixed/).first().waitFor();
    await dialog.getByRole('switch', { name: 'Change Weight' }).click();
    await dialog.getByLabel('Weight', { exact: true }).fill('77');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByRole('button', { name: 'Change 1,240' }).click();
    await dialog.getByText('500 are done, 740 were not changed').waitFor();
    await dialog.getByText('The database cannot be reached').waitFor();
    await window.assertAccessible();
    await window.screenshot('providers-failed');
    assert.equal(await database.value('SELECT count(*) FROM providers WHERE weight = 77'), '500');
    await dialog.getByRole('button', { name: 'Try the rest again' }).click();
    await page.getByText('1,240 changed').waitFor();
    assert.equal(await database.value('SELECT count(*) FROM providers WHERE weight = 77'), '1240');
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone; set back: 1,240').waitFor();
    await window.close();
  });

  test('deletes, and brings back', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/providers?q=provider-1&sort=name');
    await page.getByRole('checkbox', { name: 'Choose provider-10', exact: true }).check();
    await page.getByRole('checkbox', { name: 'Choose provider-11', exact: true }).check();
    await page.getByRole('region').getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('provider-10, provider-11').waitFor();
    await dialog.getByText('can be undone for 24 hours').waitFor();
    await window.assertAccessible();
    await window.screenshot('providers-delete');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Providers deleted: 2').waitFor();
    await page.getByText('1–9 of 9').waitFor();
    assert.equal(await database.value('SELECT count(*) FROM providers WHERE id IN (10, 11) AND deleted_at IS NULL'), '0');
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('1–11 of 11').waitFor();
    assert.equal(await database.value('SELECT count(*) FROM providers WHERE id IN (10, 11) AND deleted_at IS NULL'), '2');
    await window.close();
  });

  test('resets one circuit breaker from the row, and many at once', async () => {
    for (const id of [2, 3, 4]) await open(id);
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/providers?circuitState=resettable');
    await page.getByText('1–3 of 3').waitFor();
    await row(page, 'provider-2').getByRole('button', { name: /recovers in about/ }).filter({ visible: true }).click();
    await page.getByText('Failures: 7').waitFor();
    await window.screenshot('providers-circuit');
    await page.getByRole('tooltip').getByRole('button', { name: 'Reset circuit breakers' }).click();
    await page.getByText('Circuit breakers reset: 1').waitFor();
    await page.getByText('1–2 of 2').waitFor();
    assert.equal(await redis.command('HGET', 'circuit_breaker:state:2', 'circuitState'), 'closed');
    await page.getByRole('checkbox', { name: 'Choose all of this page' }).check();
    await page.getByRole('region').getByRole('button', { name: 'Reset circuit breakers' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reset circuit breakers' }).click();
    await page.getByText('Circuit breakers reset: 2').waitFor();
    await page.getByText('Nothing matches these filters').waitFor();
    await window.close();
  });

  test('filters, sort and page size are in the address, and the file has what is shown', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/providers');
    await page.getByRole('combobox', { name: 'Type' }).click();
    await page.getByTitle('codex (2)').click();
    await page.getByText('1–2 of 2').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('columnheader', { name: 'Weight' }).click();
    await page.waitForURL(/providerType=codex.*sort=weight|sort=weight.*providerType=codex/);
    await page.reload();
    await page.getByText('1–2 of 2').waitFor();
    assert.equal(await page.getByRole('columnheader', { name: 'Weight' }).getAttribute('aria-sort'), 'ascending');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()]);
    assert.match(download.suggestedFilename(), /^providers_.*\.csv$/);
    const { readFile } = await import('node:fs/promises');
    assert.deepEqual((await readFile(await download.path(), 'utf8')).split('\r\n').slice(1, -1).map((line) => line.split(',')[0]), ['5', '6']);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('1–50 of 1,260').waitFor();
    await window.close();
  });

  test('by keyboard alone: choose, edit, preview, apply', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/providers?q=provider-13');
    await page.getByText('1–1 of 1').waitFor();
    await page.getByRole('checkbox', { name: 'Choose provider-13', exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('region').getByRole('button', { name: 'Edit' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Now: 14').waitFor();
    await dialog.getByRole('switch', { name: 'Change Weight' }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('15');
    await dialog.getByRole('button', { name: 'Preview changes' }).focus();
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Change 1' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('1 changed').waitFor();
    assert.deepEqual(await column('weight', 'id = 13'), [['13', '15']]);
    await window.close();
  });

  test('without Redis and without the service it says what is not there, and what to do', async () => {
    const alone = await Service.start({ dsn: database.dsn });
    const window = await browser.open(alone, { expected: [/Failed to load resource/] });
    const { page } = window;
    await window.goto('/settings/providers?q=provider-1');
    await page.getByText('Circuit breakers cannot be read').waitFor();
    await page.getByText('–', { exact: true }).filter({ visible: true }).first().waitFor();
    await window.assertAccessible();
    await window.screenshot('providers-no-redis');
    await alone.stop();
    await page.getByRole('searchbox').fill('provider-2');
    await page.getByText('The service cannot be reached').first().waitFor();
    await window.screenshot('providers-no-service');
    await window.close();
  });
});
