// The page of users and keys, as an administrator uses it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Database, fixture } from '../api/support/database.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const words = {
  'zh-CN': { title: '用户与密钥', expand: '展开行', choose: '选择 user-3', edit: '批量编辑', tags: '修改标签', tag: '标签', preview: '预览变更', keys: '密钥', key: '选择 key 0' },
  en: { title: 'Users and keys', expand: 'Expand row', choose: 'Choose user-3', edit: 'Edit', tags: 'Change Tags', tag: 'Tags', preview: 'Preview changes', keys: 'Keys', key: 'Choose key 0' },
};

describe('the page of users and keys', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, service, browser;

  before(async () => {
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v05.sql'));
    await database.exec(`
      UPDATE users SET expires_at = now() + interval '2 days', limit_5h_usd = 1.5 WHERE id = 4;
      UPDATE users SET is_enabled = false WHERE id = 5;
      UPDATE users SET tags = '["team-4", "old"]' WHERE id = 4`);
    service = await Service.start({ dsn: database.dsn });
    browser = await Browser.start();
  });
  after(() => browser?.close());

  const chosen = (page) => page.getByRole('region');

  for (const [language, size] of views) {
    test(`shows users with their keys, and what an edit would do (${language}, ${size})`, async () => {
      const w = words[language];
      const window = await browser.open(service, { language, size });
      const { page } = window;
      await window.goto('/dashboard/users?size=20');
      await page.getByRole('heading', { level: 1, name: w.title }).waitFor();
      await page.getByRole('button', { name: w.expand }).first().click();
      await page.getByText(/^sk-.••••••/).first().waitFor();
      await window.assertAccessible();
      await window.screenshot('users');
      await page.getByRole('checkbox', { name: w.choose, exact: true }).check();
      await chosen(page).getByRole('button', { name: w.edit }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('switch', { name: w.tags }).click();
      await dialog.getByRole('combobox', { name: w.tag }).fill('新团队');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Escape');
      await window.assertAccessible();
      await window.screenshot('users-edit');
      await dialog.getByRole('button', { name: w.preview }).click();
      await dialog.locator('ins', { hasText: 'team-3, 标签, 新团队' }).waitFor();
      await window.screenshot('users-preview');
      await window.goto('/dashboard/users?tab=keys&size=20');
      await page.getByRole('checkbox', { name: w.key, exact: true }).waitFor();
      await window.assertAccessible();
      await window.screenshot('keys');
      await window.close();
    });
  }

  test('tags are added to what each user has, other values are set, and all of it is taken back', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/dashboard/users?size=20');
    for (const id of [3, 4]) await page.getByRole('checkbox', { name: `Choose user-${id}`, exact: true }).check();
    await chosen(page).getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('mixed (2 different values): Unlimited / 1.5').waitFor();
    await dialog.getByRole('switch', { name: 'Change 5-hour limit' }).click();
    await dialog.getByLabel('5-hour limit', { exact: true }).fill('0.004');
    await dialog.getByRole('switch', { name: 'Change Tags' }).click();
    await dialog.getByRole('combobox', { name: 'Tags' }).fill('team-4,vip,');
    await page.keyboard.press('Escape');
    await dialog.getByRole('switch', { name: 'Change Daily limit' }).click();
    await dialog.getByLabel('Daily limit', { exact: true }).fill('');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('Too many decimals').waitFor();
    await dialog.getByLabel('5-hour limit', { exact: true }).fill('2.25');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('2 will change').waitFor();
    await dialog.getByRole('button', { name: 'Change 2' }).click();
    await page.getByText('2 changed').waitFor();
    const state = () => database.rows('SELECT id, tags, limit_5h_usd, daily_limit_usd FROM users WHERE id IN (3, 4) ORDER BY id');
    assert.deepEqual(await state(), [['3', '["team-3", "标签", "team-4", "vip"]', '2.25', null], ['4', '["team-4", "old", "vip"]', '2.25', null]]);
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone; set back: 2').waitFor();
    assert.deepEqual(await state(), [['3', '["team-3", "标签"]', null, '0.75'], ['4', '["team-4", "old"]', '1.50', '1.00']]);
    await window.close();
  });

  test('rows that were changed since are named, and left as they are if asked to', async () => {
    const window = await browser.open(service, { expected: [/status of 409/] });
    const { page } = window;
    await window.goto('/dashboard/users?size=20');
    for (const id of [6, 7]) await page.getByRole('checkbox', { name: `Choose user-${id}`, exact: true }).check();
    await chosen(page).getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('switch', { name: 'Change Requests per minute' }).click();
    await dialog.getByLabel('Requests per minute', { exact: true }).fill('999');
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByRole('button', { name: 'Change 2' }).click();
    await page.getByText('2 changed').waitFor();
    await database.exec('UPDATE users SET rpm_limit = 1 WHERE id = 7');
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('dialog').getByText('user-7').waitFor();
    await window.screenshot('users-conflict');
    await page.getByRole('button', { name: 'Leave these, set back the others' }).click();
    await page.getByText('Undone; set back: 1').waitFor();
    assert.deepEqual(await database.rows('SELECT rpm_limit FROM users WHERE id IN (6, 7) ORDER BY id'), [['60'], ['1']]);
    await window.close();
  });

  test('keys of chosen users are disabled, but no user loses the last one', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/dashboard/users?size=20');
    for (const id of [2, 3]) await page.getByRole('checkbox', { name: `Choose user-${id}`, exact: true }).check();
    await chosen(page).getByRole('button', { name: 'Show their keys' }).click();
    await page.waitForURL(/tab=keys&userId=2%2C3/);
    await page.getByText('1–6 of 6').waitFor();
    for (const key of [1, 51, 101, 2]) await page.getByRole('checkbox', { name: `Choose key ${key}`, exact: true }).check();
    await chosen(page).getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Now: Enabled').waitFor();
    await dialog.getByRole('switch', { name: 'Change Status' }).click();
    await dialog.getByText('Disabled', { exact: true }).click();
    await dialog.getByRole('button', { name: 'Preview changes' }).click();
    await dialog.getByText('User user-2').waitFor();
    await window.assertAccessible();
    await window.screenshot('keys-refused');
    assert.equal(await dialog.getByRole('button', { name: /^Change \d/ }).isDisabled(), true);
    await dialog.getByRole('button', { name: 'Leave them out and preview again' }).click();
    await dialog.getByText('1 will change').waitFor();
    await dialog.getByRole('button', { name: 'Change 1' }).click();
    await page.getByText('1 changed').waitFor();
    assert.deepEqual(await database.rows('SELECT name FROM keys WHERE NOT is_enabled'), [['key 2']]);
    await window.close();
  });

  test('the filters of both lists are in the address', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/dashboard/users?tags=team-4&status=expiringSoon');
    await page.getByText('1–1 of 1').waitFor();
    await page.getByRole('searchbox').fill('nobody');
    await page.getByText('Nothing matches these filters').waitFor();
    await page.getByRole('tab', { name: 'Keys' }).click();
    await page.waitForURL(/users\?tab=keys$/);
    await page.getByText('1–50 of 120').waitFor();
    await page.goBack();
    await page.waitForURL(/q=nobody/);
    await page.getByText('Nothing matches these filters').waitFor();
    await window.close();
  });
});
