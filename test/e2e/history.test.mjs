// The history: actions are found, viewed and undone.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Database, fixture } from '../api/support/database.mjs';
import { until } from '../api/support/run.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const words = {
  'zh-CN': {
    title: '操作记录', users: '批量修改用户', price: '设置模型价格', export: '导出数据库', details: /^详情/, undo: /^撤销/, before: '修改前', after: '修改后',
    search: '搜索', clear: '清除筛选', shown: /已显示 \d+ 条，共 [\d,]+ 条/, more: '加载更多', skip: '跳过这些行，恢复其余的行', changedSince: '之后又被修改的行：1',
    nothing: '没有符合筛选条件的记录。', category: '类别', batch: '批量修改', confirm: (n) => `撤销（${n} 行）`, done: (n) => `已恢复的行：${n}`,
  },
  en: {
    title: 'History', users: 'Users changed', price: 'Price set', export: 'Export of the database', details: /^Details/, undo: /^Undo/, before: 'Before', after: 'After',
    search: 'Search', clear: 'Clear filters', shown: /\d+ of [\d,]+ shown/, more: 'Load more', skip: 'Leave these rows as they are, undo the others', changedSince: 'Rows that were changed since: 1',
    nothing: 'No entry matches the filters.', category: 'Category', batch: 'Batches', confirm: (n) => `Undo (rows: ${n})`, done: (n) => `Rows set back: ${n}`,
  },
};

describe('the history', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, service, browser;

  before(async () => {
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    service = await Service.start({ dsn: database.dsn });
    browser = await Browser.start();
    await send('PUT', '/api/v1/model-prices/gpt-x', { mode: 'chat', inputCostPerToken: 0.000001 });
    await send('PUT', '/api/v1/model-prices/gpt-x', { inputCostPerToken: 0.000002 });
    await (await service.fetch('/api/admin/database/export')).arrayBuffer();
  });
  after(() => browser?.close());

  async function send(method, target, body) {
    const reply = await service.fetch(target, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    assert.equal(reply.status, 200, await reply.clone().text());
    return reply.json();
  }

  const setRpm = (userIds, rpm) => send('POST', '/api/v1/users:batchUpdate', { userIds, updates: { rpm } });
  const rpmOf = async (id) => Number(await database.value(`SELECT rpm_limit FROM users WHERE id = ${id}`));

  async function openHistory(options, search = '') {
    const window = await browser.open(service, options);
    await window.goto(`/history${search}`);
    await window.page.getByRole('heading', { level: 1, name: words[window.language].title }).waitFor();
    return window;
  }

  for (const [language, size] of views) {
    test(`an entry shows what was there before and after (${language}, ${size})`, async () => {
      const w = words[language];
      await setRpm([3, 4], size === 'phone' ? 41 : 42);
      const window = await openHistory({ language, size });
      const { page } = window;
      await page.getByText(w.shown).waitFor();
      await page.getByText(w.export).first().waitFor();
      await window.assertAccessible();
      await window.screenshot('history');
      await page.getByRole('button', { name: w.details }).and(page.getByRole('button', { name: new RegExp(w.users) })).first().click();
      const drawer = page.getByRole('dialog');
      await drawer.getByRole('columnheader', { name: w.before }).waitFor();
      const row = drawer.getByRole('row', { name: /RPM|Requests per minute/ }).first();
      assert.match(await row.innerText(), /user-3/);
      assert.match(await row.innerText(), size === 'phone' ? /41/ : /42/);
      assert.match(page.url(), /entry=\d+/);
      await window.assertAccessible();
      await window.screenshot('history-entry');
      await page.reload();
      await page.getByRole('dialog').getByRole('columnheader', { name: w.after }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await window.close();
    });

    test(`rows that were changed since are left out of an undo if one likes (${language}, ${size})`, async () => {
      const w = words[language];
      const before = await rpmOf(5);
      await setRpm([5, 6], 500);
      await setRpm([6], 600);
      const window = await openHistory({ language, size });
      const { page } = window;
      await page.getByRole('button', { name: w.undo }).and(page.getByRole('button', { name: new RegExp(w.users) })).nth(1).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(w.changedSince).waitFor();
      const confirm = dialog.getByRole('button', { name: w.confirm(1) });
      assert.ok(await confirm.isDisabled());
      await window.assertAccessible();
      await window.screenshot('history-undo');
      await dialog.getByLabel(w.skip).check();
      await confirm.click();
      await page.getByText(w.done(1)).waitFor();
      assert.deepEqual([await rpmOf(5), await rpmOf(6)], [before, 600]);
      await window.close();
    });
  }

  test('an undo sets all back, and can be undone itself', async () => {
    const before = await rpmOf(7);
    await setRpm([7, 8], 700);
    const window = await openHistory({});
    const { page } = window;
    await page.getByRole('button', { name: /^Undo: Users changed/ }).first().click();
    await page.getByRole('dialog').getByRole('row', { name: /user-7/ }).waitFor();
    await page.getByRole('button', { name: words.en.confirm(2) }).click();
    await page.getByText(words.en.done(2)).waitFor();
    assert.equal(await rpmOf(7), before);
    await page.getByRole('button', { name: /^Undo: Batch undone/ }).first().click();
    await page.getByRole('button', { name: words.en.confirm(2) }).click();
    await until('the undo of the undo', async () => (await rpmOf(7)) === 700);
    await page.getByText(words.en.done(2)).last().waitFor(); // the first notice may have disappeared
    await page.getByRole('button', { name: /^Details: Users changed/ }).first().click();
    await page.getByText(/^Undone /).waitFor();
    await page.getByRole('button', { name: 'See the operation that undid it' }).click();
    await page.getByText('1 of 1 shown').waitFor();
    await window.close();
  });

  test('filters are in the address and come back with it', async () => {
    const w = words.en;
    const window = await openHistory({ colors: 'dark' });
    const { page } = window;
    await page.getByText(w.shown).waitFor();
    await window.assertAccessible();
    await page.getByLabel(w.search, { exact: true }).fill('gpt-x');
    await page.waitForURL(/q=gpt-x/);
    await page.getByText('2 of 2 shown').waitFor();
    await page.getByRole('button', { name: /^Details: Price set/ }).first().click();
    const row = page.getByRole('dialog').getByRole('row', { name: /input_cost_per_token/ });
    assert.match((await row.innerText()).replace(/\s+/g, ' '), /0\.000001 0\.000002/);
    await window.assertAccessible();
    await window.screenshot('history-dark');
    await page.keyboard.press('Escape');
    await page.reload();
    await page.getByText('2 of 2 shown').waitFor();
    assert.equal(await page.getByLabel(w.search, { exact: true }).inputValue(), 'gpt-x');
    await page.getByLabel(w.category).click();
    await page.getByTitle(w.batch).click();
    await page.waitForURL(/category=batch/);
    await page.getByText(w.nothing).waitFor();
    await page.getByRole('button', { name: w.clear }).first().click();
    await page.getByText(w.export).first().waitFor();
    assert.doesNotMatch(page.url(), /q=|category=/);
    await page.getByLabel('To', { exact: true }).fill('2020-01-01');
    await page.getByText(w.nothing).waitFor();
    await page.getByLabel('To', { exact: true }).fill('');
    await page.getByText(w.export).first().waitFor();
    await window.close();
  });

  test('more entries are loaded on demand, each once', async () => {
    for (let n = 0; n < 60; n++) await setRpm([9], 1000 + n);
    const window = await openHistory({}, '?type=users%3AbatchUpdate');
    const { page } = window;
    await page.getByText(/^50 of \d+ shown$/).waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText(/^50 of/).waitFor({ state: 'hidden' });
    const [shown, total] = (await page.getByText(/ of \d+ shown$/).innerText()).match(/\d+/g).map(Number);
    assert.equal(shown, total);
    assert.equal(await page.getByRole('button', { name: /^Details/ }).count(), total);
    await window.close();
  });

  test('a service that is away is said, and the page goes on by itself', async () => {
    const window = await openHistory({ expected: [/status of 503/] });
    const { page } = window;
    await page.getByText(/shown$/).waitFor();
    await page.route('**/api/v1/audit-log?*', (route) => route.abort());
    await page.goto('/history?q=nowhere').catch(() => {});
    await page.getByText(/The service cannot be reached/).first().waitFor({ timeout: 30_000 });
    await page.unroute('**/api/v1/audit-log?*');
    await page.getByText(words.en.nothing).waitFor();
    await window.context.close(); // not close(): the browser's errors about the aborted requests are expected
  });
});
