// Signing in and out, and the frame around the pages.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Database } from '../api/support/database.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, adminToken, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const failed = /Failed to load resource: the server responded with a status of 401/;

describe('signing in', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, service, browser;

  before(async () => {
    database = await Database.create(await startPostgres());
    service = await Service.start({ dsn: database.dsn });
    browser = await Browser.start();
  });
  after(() => browser?.close());

  const words = {
    'zh-CN': { key: '令牌或 API Key', submit: /登\s*录/, wrong: '令牌或 API Key 无效或已过期', missing: '请输入令牌或 API Key', data: '数据导入导出', out: '退出登录', account: /账户/ },
    en: { key: 'Token or API key', submit: 'Sign in', wrong: 'The token or key is not known, or has expired', missing: 'Enter the token or an API key', data: 'Data export and import', out: 'Sign out', account: /Account/ },
  };

  for (const [language, size] of views) {
    test(`a wrong token is refused with a reason, the right one leads back to where one was (${language}, ${size})`, async () => {
      const w = words[language];
      const window = await browser.open(service, { language, size, signedIn: false, expected: [failed] });
      const { page } = window;
      await window.goto('/settings/data?x=1');
      await page.waitForURL(/\/login\?from=/);
      assert.equal(await page.getAttribute('html', 'lang'), language);
      await window.assertAccessible();
      await window.screenshot('login');
      await page.getByRole('button', { name: w.submit }).click();
      await page.getByText(w.missing).first().waitFor();
      await page.getByLabel(w.key, { exact: true }).fill('not the token');
      await page.getByRole('button', { name: w.submit }).click();
      await page.getByText(w.wrong).waitFor();
      await window.screenshot('login-refused');
      await page.getByLabel(w.key, { exact: true }).fill(adminToken);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/settings/data?x=1');
      await page.getByRole('heading', { level: 1, name: w.data }).waitFor();
      await page.getByRole('button', { name: w.account }).click();
      await page.getByText(w.out).click();
      await page.waitForURL(/\/login$/);
      const { status } = await page.evaluate(() => fetch('/api/auth/session'));
      assert.equal(status ?? 401, 401);
      await window.close();
    });
  }

  test('a session that has ended leads to the login, and back', async () => {
    const window = await browser.open(service, { expected: [failed] });
    await window.goto('/settings/data');
    await window.page.getByRole('heading', { level: 1, name: words.en.data }).waitFor();
    await window.context.clearCookies();
    await window.page.reload();
    await window.page.waitForURL(/\/login\?from=%2Fsettings%2Fdata/);
    await window.close();
  });

  test('a sign-out that other instances do not hear of says so', async () => {
    const window = await browser.open(service);
    await window.goto('/settings/data');
    await database.exec('ALTER TABLE cch_data.ended_sessions RENAME TO away');
    await window.page.getByRole('button', { name: words.en.account }).click();
    await window.page.getByText(words.en.out).click();
    await window.page.waitForURL(/\/login$/);
    await window.page.getByText('Signed out here. The database could not be written').waitFor();
    await database.exec('ALTER TABLE cch_data.away RENAME TO ended_sessions');
    await window.close();
  });

  test('the language changes at once and stays, and so do the colours', async () => {
    const window = await browser.open(service, { language: 'zh-CN' });
    const { page } = window;
    await window.goto('/settings/data');
    await page.getByRole('button', { name: /语言/ }).click();
    await page.getByText('English').click();
    await page.getByRole('heading', { level: 1, name: words.en.data }).waitFor();
    await page.getByRole('button', { name: 'Colours' }).click();
    await page.getByText('Dark', { exact: true }).click();
    assert.equal(await page.getAttribute('html', 'data-colors'), 'dark');
    await page.reload();
    await page.getByRole('heading', { level: 1, name: words.en.data }).waitFor();
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    assert.equal(await page.getAttribute('html', 'data-colors'), 'dark');
    await window.assertAccessible();
    await window.close();
  });

  test('an address that is no page says so and leads home', async () => {
    const window = await browser.open(service, { expected: [/status of 404/] });
    await window.goto('/nowhere');
    await window.page.getByText('There is no such page').waitFor();
    await window.page.getByRole('button', { name: 'To the first page' }).click();
    await window.page.waitForURL('**/settings/data');
    await window.close();
  });

  test('files are compressed, named by content and never fetched twice; the document has a fresh nonce', async () => {
    const page = await fetch(`${service.url}/settings/data`);
    assert.equal(page.status, 200);
    const text = await page.text();
    const nonce = /nonce="([^"]+)"/.exec(text)[1];
    const policy = page.headers.get('content-security-policy');
    assert.ok(policy.includes(`'nonce-${nonce}'`) && !policy.includes('unsafe'), policy);
    assert.notEqual(/nonce="([^"]+)"/.exec(await (await fetch(`${service.url}/login`)).text())[1], nonce);
    let bytes = 0;
    const base = new URL(/<base href="([^"]+)"/.exec(text)[1], page.url);
    for (const [, name] of text.matchAll(/(?:src|href)="(\.\/assets\/[^"]+)"/g)) {
      const address = new URL(name, base).href;
      const asset = await fetch(address);
      assert.equal(asset.status, 200, address);
      assert.equal(asset.headers.get('content-encoding'), 'gzip', address);
      assert.match(asset.headers.get('cache-control'), /immutable/);
      bytes += Number(asset.headers.get('content-length'));
      const again = await fetch(address, { headers: { 'if-none-match': asset.headers.get('etag') } });
      assert.equal(again.status, 304);
      const plain = await fetch(address, { headers: { 'accept-encoding': 'identity' } });
      assert.equal(plain.headers.get('content-encoding'), null);
      assert.equal(await plain.text(), await asset.text());
    }
    assert.ok(bytes > 10_000 && bytes < 500_000, `first load: ${bytes} bytes`);
    assert.equal((await fetch(`${service.url}/assets/none.js`)).status, 404);
    assert.equal((await fetch(`${service.url}/api/none`)).status, 404);
  });
});
