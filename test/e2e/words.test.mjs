// True statements on the pages: prices by any unit, outliers, unreachable services, actors and their actions, readable amounts.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { truncateSync, writeFileSync } from 'node:fs';
import { temporaryDirectory } from '../api/support/cleanup.mjs';
import { Database, fixture } from '../api/support/database.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';
import { HttpProxy } from './support/http_proxy.mjs';

const USERS = 3000, KEYS = 8000, PROVIDERS = 600, PRICES = 2306;
const broken = [/net::ERR_/, /Failed to load resource/];

describe('what the pages say', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, service, browser, directory;

  before(async () => {
    directory = temporaryDirectory('words');
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    await database.exec(`
      TRUNCATE model_prices, keys, users, providers CASCADE;
      INSERT INTO users (name) SELECT 'person-' || n FROM generate_series(1, ${USERS}) AS n;
      INSERT INTO keys (user_id, key, name) SELECT u.id, 'sk-words-' || n, 'key ' || n
        FROM generate_series(1, ${KEYS}) AS n JOIN users AS u ON u.name = 'person-' || (n % ${USERS} + 1);
      INSERT INTO providers (name, url, key) SELECT 'provider-' || n, 'https://example.com', 'k' || n FROM generate_series(1, ${PROVIDERS}) AS n;
      INSERT INTO model_prices (model_name, source, price_data)
        SELECT 'model-' || to_char(n, 'FM0000'), 'cloud', jsonb_build_object('mode', 'chat', 'input_cost_per_token', 0.000001, 'output_cost_per_token', 0.000002)
          FROM generate_series(1, ${PRICES} - 4) AS n;
      INSERT INTO model_prices (model_name, source, price_data) VALUES
        ('z-pixel', 'cloud', '{"mode":"image_generation","input_cost_per_pixel":1.9e-8,"output_cost_per_pixel":0.0}'),
        ('z-second', 'cloud', '{"mode":"audio_transcription","input_cost_per_token":0,"output_cost_per_token":0,"input_cost_per_second":0.0001}'),
        ('z-session', 'cloud', '{"mode":"chat","code_interpreter_cost_per_session":0.03,"input_cost_per_character":2.5e-7}'),
        ('z-free', 'cloud', '{"mode":"chat","input_cost_per_token":0,"output_cost_per_token":0}')`);
    service = await Service.start({ dsn: database.dsn });
    browser = await Browser.start();
  });
  after(() => browser?.close());

  for (const [language, size] of views) {
    test(`"free" is only what costs nothing; other units are shown (${language}, ${size})`, async () => {
      const zh = language === 'zh-CN';
      const window = await browser.open(service, { language, size });
      const { page } = window;
      await window.goto('/settings/prices?search=z-');
      const row = (name) => page.locator('tr', { hasText: name });
      await row('z-pixel').getByText(zh ? '输入 $0.000000019 / 像素' : 'Input $0.000000019 / pixel').waitFor();
      await row('z-second').getByText(zh ? '输入 $0.0001 / 秒' : 'Input $0.0001 / second').waitFor();
      await row('z-session').getByText(zh ? '代码解释器 $0.03 / 会话' : 'Code interpreter $0.03 / session').waitFor();
      const free = page.getByText(zh ? '免费' : 'free', { exact: true });
      assert.equal(await free.count(), 2);
      assert.equal(await row('z-free').getByText(zh ? '免费' : 'free', { exact: true }).count(), 2);
      await window.assertAccessible();
      await window.screenshot('words-units');
      await window.close();
    });

    test(`outliers come first, with their factor, and are left out until they are ticked (${language}, ${size})`, async () => {
      const zh = language === 'zh-CN';
      await database.exec(`UPDATE model_prices SET price_data = price_data || '{"input_cost_per_token": 0.000001}' WHERE model_name LIKE 'model-000%'`);
      const window = await browser.open(service, { language, size });
      const { page } = window;
      await window.goto('/settings/prices');
      await page.getByRole('button', { name: zh ? '上传价格表' : 'Upload a table' }).click();
      const price = (input) => ({ mode: 'chat', input_cost_per_token: input, output_cost_per_token: 0.000002 });
      const table = { 'model-0001': price(1), 'model-0002': price(0.0000012), 'model-0003': price(0.0000013), 'model-0004': price(0.000001) };
      await page.locator('.ant-upload-drag input[type=file]').setInputFiles({ name: 'p.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(table)) });
      const dialog = page.getByRole('dialog');
      await dialog.getByText(zh ? '× 1,000,000' : '× 1,000,000').waitFor(); // in the open tab
      await window.assertAccessible();
      await window.screenshot('words-outliers');
      const take = (name) => dialog.getByRole('checkbox', { name: zh ? `应用 ${name}` : `Apply ${name}` });
      assert.equal(await take('model-0001').isChecked(), false);
      await dialog.getByRole('radiogroup').getByText(zh ? '更新 2' : '2 updated', { exact: true }).click();
      await take('model-0003').uncheck();
      await dialog.getByRole('button', { name: zh ? '应用 1 项更改' : 'Apply 1 changes' }).click();
      await page.getByText(zh ? /2 个未作更改/ : /2 left out/).waitFor();
      const now = await database.value(`SELECT string_agg(price_data ->> 'input_cost_per_token', ' ' ORDER BY model_name) FROM model_prices WHERE model_name LIKE 'model-000_' AND model_name <= 'model-0004'`);
      assert.deepEqual(now.split(' ').map(Number), [0.000001, 0.0000012, 0.000001, 0.000001]);
      await window.close();
    });
  }

  test('an outlier that is ticked is applied', async () => {
    await database.exec(`UPDATE model_prices SET price_data = price_data || '{"input_cost_per_token": 0.000001}' WHERE model_name = 'model-0001'`);
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/prices');
    await page.getByRole('button', { name: 'Upload a table' }).click();
    await page.locator('.ant-upload-drag input[type=file]').setInputFiles({ name: 'p.json', mimeType: 'application/json', buffer: Buffer.from('{"model-0001":{"mode":"chat","input_cost_per_token":0.0001,"output_cost_per_token":0.000002}}') });
    const dialog = page.getByRole('dialog');
    await dialog.getByText('× 100', { exact: true }).waitFor();
    assert.ok(await dialog.getByRole('button', { name: 'Apply' }).isDisabled());
    await dialog.getByRole('checkbox', { name: 'Apply model-0001' }).check();
    await dialog.getByRole('button', { name: 'Apply 1 changes' }).click();
    await page.getByText(/Done:/).waitFor();
    await window.close();
  });

  test('an edit of 3,000 users is one entry in the history, with one undo', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/dashboard/users');
    await page.getByRole('checkbox', { name: 'Choose all of this page' }).check();
    await page.getByRole('button', { name: 'Choose all 3,000 that match' }).click();
    const bar = page.getByRole('region', { name: 'What is chosen' });
    await bar.getByText('All 3,000 that match are chosen').waitFor();
    await bar.getByRole('button', { name: 'Edit' }).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('Now: Unlimited').first().waitFor({ timeout: 60_000 });
    await drawer.getByRole('switch', { name: 'Change Requests per minute' }).click();
    await drawer.getByRole('textbox', { name: 'Requests per minute' }).fill('77');
    await drawer.getByRole('button', { name: 'Preview changes' }).click();
    await drawer.getByRole('button', { name: 'Change 3,000' }).click({ timeout: 60_000 });
    await until77(USERS);
    await window.goto('/history');
    const entry = page.locator('tbody tr', { hasText: 'Users changed' });
    await entry.getByText('Rows changed: 3,000 · in 6 batches').waitFor();
    assert.equal(await entry.count(), 1);
    await window.assertAccessible();
    await window.screenshot('words-history');
    await entry.getByRole('button', { name: /^Details/ }).click();
    const details = page.getByRole('dialog');
    await details.getByText('Requests per minute').first().waitFor();
    await details.getByText('Unlimited', { exact: true }).first().waitFor();
    await window.screenshot('words-entry');
    await page.keyboard.press('Escape');
    await entry.getByRole('button', { name: /^Undo/ }).click();
    await page.getByRole('button', { name: 'Undo (rows: 3,000)' }).click({ timeout: 60_000 });
    await until77(0);
    const undone = page.locator('tbody tr', { hasText: 'Batch undone' });
    await undone.getByText('Rows changed: 3,000 · in 6 batches').waitFor();
    assert.equal(await undone.count(), 1);
    await window.close();
  });

  async function until77(n) {
    for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 300))) {
      if (Number(await database.value('SELECT count(*) FROM users WHERE rpm_limit = 77')) === n) return;
    }
    assert.fail(`not ${n} users`);
  }

  test('a limit of 0 requests is no limit', async () => {
    await database.exec("UPDATE users SET rpm_limit = 0 WHERE name = 'person-1'");
    const window = await browser.open(service);
    await window.goto('/dashboard/users?q=person-1&sort=name');
    const row = window.page.locator('tr', { hasText: /person-1(?!\d)/ });
    await row.getByRole('cell', { name: 'Unlimited', exact: true }).nth(1).waitFor(); // for requests; the other is for amounts
    assert.equal(await row.getByRole('cell', { name: '0', exact: true }).count(), 0);
    await window.close();
  });

  test('deleting all providers asks for their number', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/providers');
    await page.getByRole('checkbox', { name: 'Choose all of this page' }).check();
    await page.getByRole('button', { name: 'Choose all 600 that match' }).click();
    const bar = page.getByRole('region', { name: 'What is chosen' });
    await bar.getByText('All 600 that match are chosen').waitFor();
    await bar.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    const box = dialog.getByLabel('This deletes all 600 providers. Type the number 600 to confirm');
    const confirm = dialog.getByRole('button', { name: 'Delete' });
    await box.fill('60');
    assert.ok(await confirm.isDisabled());
    await window.screenshot('words-delete-all');
    await box.fill('600');
    await confirm.click();
    await page.getByText('Nothing matches', { exact: false }).or(page.getByText('There are no providers yet', { exact: false })).waitFor({ timeout: 60_000 });
    assert.equal(Number(await database.value('SELECT count(*) FROM providers WHERE deleted_at IS NULL')), 0);
    await window.close();
  });

  test('the browser decides the language until one is chosen, and every page has one name', async () => {
    for (const [locale, language, heading] of [['zh-TW', 'zh-CN', '模型价格'], ['en-GB', 'en', 'Model prices'], ['fr-FR', 'zh-CN', '模型价格']]) {
      const window = await browser.open(service, { language: locale, isChosen: false });
      await window.goto('/settings/prices');
      await window.page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await window.page.getByRole('menuitem', { name: heading }).waitFor();
      assert.equal(await window.page.evaluate(() => document.documentElement.lang), language);
      await window.close();
    }
  });

  test('sizes have one unit, and a file just over the limit reads as larger than it', async () => {
    const MB = 1024 * 1024;
    const own = await Service.start({ dsn: database.dsn });
    const window = await browser.open(own);
    const { page } = window;
    await window.goto('/settings/data');
    await page.getByText('Connected').waitFor();
    assert.equal((await own.status()).maxUploadBytes, 500 * MB);
    const over = path.join(directory, 'over.dump');
    writeFileSync(over, 'PGDMP');
    truncateSync(over, 500 * MB + 1);
    await page.locator('input[type=file]').setInputFiles(over);
    const told = await page.getByText(/The file is too large/).first().innerText();
    const [, size, limit] = told.match(/\((.*?)\); the limit is (.*)$/);
    assert.equal(limit, '500 MB');
    assert.match(size, /^500\.\d*[1-9]\d* MB$/);
    const everything = await page.evaluate(() => document.body.innerText);
    assert.doesNotMatch(everything, /\b(MiB|KiB|GiB|kB)\b/);
    await window.close();
    await own.stop();
  });

  test('the selected tab can be read in the dark', async () => {
    const window = await browser.open(service, { colors: 'dark' });
    await window.goto('/dashboard/users');
    await window.page.getByRole('tab', { name: 'Users', selected: true }).waitFor();
    await window.assertAccessible();
    await window.screenshot('words-dark');
    await window.close();
  });

  for (const [language, size] of views) {
    test(`what is away is said at once, and the page goes on by itself (${language}, ${size})`, async () => {
      const zh = language === 'zh-CN';
      const proxy = await HttpProxy.start(service);
      const window = await browser.open({ url: proxy.url }, { language, size, expected: broken });
      const { page } = window;
      await window.goto('/settings/data');
      await page.getByText(zh ? '数据库连接正常' : 'Connected').waitFor();
      const away = page.getByText(zh ? '无法连接到服务' : 'The service cannot be reached', { exact: true });
      proxy.isAway = true;
      await away.waitFor({ timeout: 6000 }); // the next poll of the state
      await page.getByText(zh ? '数据库连接正常' : 'Connected').waitFor({ state: 'detached', timeout: 6000 }); // each is polled in turn
      await window.screenshot('words-away');
      proxy.isAway = false;
      await page.getByText(zh ? '数据库连接正常' : 'Connected').waitFor({ timeout: 8000 });
      await away.waitFor({ state: 'detached' });
      await window.context.setOffline(true);
      await page.getByText(zh ? '设备已离线' : 'This device is offline').waitFor({ timeout: 2000 });
      await window.context.setOffline(false);
      await page.getByText(zh ? '设备已离线' : 'This device is offline').waitFor({ state: 'detached', timeout: 8000 });
      await page.getByText(zh ? '数据库连接正常' : 'Connected').waitFor();
      await window.close();
    });
  }

  test('a session that has ended says so, and signing in goes back to where it was', async () => {
    const window = await browser.open(service, { expected: broken });
    const { page } = window;
    await window.goto('/settings/data');
    await page.getByText('Connected').waitFor();
    await window.context.clearCookies();
    await page.getByText('The session has ended.', { exact: false }).waitFor();
    await window.screenshot('words-expired');
    await page.getByLabel('Token or API key').fill(service.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Connected').waitFor();
    assert.equal(new URL(page.url()).pathname, '/settings/data');
    await window.close();
  });

  test('a page whose files an upgrade has replaced is loaded anew', async () => {
    const window = await browser.open(service, { expected: broken });
    const { page } = window;
    await window.goto('/settings/data');
    await page.getByText('Connected').waitFor();
    let isUpgraded = false;
    // The new service has files with other names, and a document that refers to them.
    await page.route('**/assets/page-*.js', (route) => (isUpgraded ? route.continue() : route.fulfill({ status: 404, contentType: 'application/json', body: '{}' })));
    await page.route(`${service.url}/`, async (route) => {
      isUpgraded = true;
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replaceAll(/assets\/index-[\w-]+\.js/g, 'assets/index-new.js') });
    });
    await page.getByRole('menuitem', { name: 'History' }).click();
    await page.getByRole('heading', { level: 1, name: 'History' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/history');
    await window.close();
  });

  test('a service below a path of its host: pages, files, requests, links', async () => {
    const proxy = await HttpProxy.start(service, { prefix: '/cch' });
    const window = await browser.open({ url: proxy.url }, { signedIn: false, expected: broken });
    const { page } = window;
    await window.goto('/cch/');
    await page.getByLabel('Token or API key').fill(service.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Connected').waitFor();
    assert.equal(new URL(page.url()).pathname, '/cch/settings/data');
    await page.getByRole('menuitem', { name: 'Users and keys' }).click();
    await page.getByText('person-1', { exact: true }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/cch/dashboard/users');
    await page.reload();
    await page.getByText('person-1', { exact: true }).waitFor();
    const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()]);
    assert.match(csv.suggestedFilename(), /\.csv$/);
    await page.getByRole('menuitem', { name: 'Data export and import' }).click();
    const [archive] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export the database' }).click()]);
    await archive.saveAs(path.join(directory, 'sub-path.dump'));
    await page.getByText('The export is complete').waitFor();
    await page.locator('input[type=file]').setInputFiles(path.join(directory, 'sub-path.dump'));
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText('What will happen').first().waitFor();
    assert.deepEqual(proxy.strayed, []);
    await window.close();
  });

  test('an upload shrinks its pieces until a proxy lets them through, and names the limit', async () => {
    const archive = await database.pgDump(path.join(directory, 'pieces.dump'), '-Z0');
    const proxy = await HttpProxy.start(service, { maxBodyBytes: 300_000 });
    const window = await browser.open({ url: proxy.url }, { expected: broken });
    const { page } = window;
    await window.goto('/settings/data');
    await page.locator('input[type=file]').setInputFiles(archive);
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText('What will happen').first().waitFor();
    assert.ok(proxy.tooLarge.length > 0);
    const small = await HttpProxy.start(service, { maxBodyBytes: 200_000 });
    const other = await browser.open({ url: small.url }, { expected: broken });
    await other.goto('/settings/data');
    await other.page.locator('input[type=file]').setInputFiles(archive);
    await other.page.getByText(/a proxy on the way/i).first().waitFor();
    await other.screenshot('words-proxy-limit');
    await other.close();
    await window.close();
  });

  test('what an overwrite empties is agreed to first; the comparison can be skipped; a damaged archive is not offered again', async () => {
    const archive = await database.pgDump(path.join(directory, 'empty.dump'), '--exclude-table-data=public.keys');
    const window = await browser.open(service, { expected: broken });
    const { page } = window;
    await window.goto('/settings/data');
    await page.locator('input[type=file]').setInputFiles(archive);
    await page.getByText('Overwrite', { exact: true }).click();
    await page.getByRole('checkbox', { name: /^Compare with what is there/ }).uncheck();
    const startAtOnce = page.getByRole('button', { name: 'Upload and overwrite the database' });
    await startAtOnce.waitFor();
    await page.getByText(/An archive is code/).waitFor();
    assert.ok(await startAtOnce.isDisabled());
    await page.getByRole('checkbox', { name: 'Empty keys' }).check();
    assert.ok(await startAtOnce.isEnabled());
    await window.assertAccessible();
    await window.screenshot('words-losses');
    await page.getByRole('checkbox', { name: /^Compare with what is there/ }).check();
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    const start = page.getByRole('button', { name: 'Overwrite the database', exact: true });
    await start.waitFor();
    await page.getByRole('button', { name: 'Another file' }).click();
    await page.getByText('empty.dump').waitFor(); // kept and offered
    const usable = await page.getByRole('button', { name: 'Use' }).count();
    const damaged = path.join(directory, 'damaged.dump');
    const bytes = (await import('node:fs')).readFileSync(archive);
    writeFileSync(damaged, bytes.subarray(0, bytes.length - 2000));
    await page.locator('input[type=file]').setInputFiles(damaged);
    await page.getByRole('checkbox', { name: /^Compare with what is there/ }).check();
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText('The preview failed; the database is unchanged').waitFor();
    await page.getByRole('button', { name: 'Another file' }).click();
    await page.getByText('Damaged, or no archive: it cannot be used').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Use' }).count(), usable);
    await window.screenshot('words-uploads');
    await page.getByRole('button', { name: 'Use' }).last().click();
    await page.getByText('Overwrite', { exact: true }).click();
    await page.getByRole('checkbox', { name: /^Compare with what is there/ }).check();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByRole('checkbox', { name: 'Empty keys, which has 8,000 rows now' }).check();
    await start.click();
    await page.getByRole('dialog').getByRole('textbox').fill(database.name);
    await page.getByRole('dialog').getByRole('button', { name: 'Overwrite the database' }).click();
    await page.getByText(/The import is complete/).first().waitFor({ timeout: 60_000 });
    assert.equal(await database.count('keys'), 0);
    await window.close();
  });
});
