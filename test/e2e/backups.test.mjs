// The page of backups, as an administrator uses it: the offered job, a restore, and encrypted backups to WebDAV.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { atExit, endSync, temporaryDirectory } from '../api/support/cleanup.mjs';
import { Database, fixture } from '../api/support/database.mjs';
import { until } from '../api/support/run.mjs';
import { freePort, startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const words = {
  'zh-CN': { title: '备份', tabs: ['任务', '存储位置', '运行记录', '备份列表'], add: '添加存储位置', save: '保存并测试', jobForm: '添加任务', run: '备份 · daily', log: '过程', failed: /“broken”最近一次备份失败.*：存储位置空间不足/ },
  en: { title: 'Backups', tabs: ['Jobs', 'Destinations', 'Runs', 'Backups'], add: 'Add a destination', save: 'Save and test', jobForm: 'Add a job', run: 'Backup · daily', log: 'What happened', failed: /The last backup of “broken” failed .*: The destination has no room left/ },
};

async function startWebdav() {
  const directory = temporaryDirectory('webdav');
  const port = await freePort();
  const child = spawn('rclone', ['serve', 'webdav', directory, '--addr', `127.0.0.1:${port}`, '--user', 'backup', '--pass', 'open sesame', '--config', '/dev/null'], { stdio: 'ignore' });
  child.unref();
  atExit(() => endSync(child.pid));
  const url = `http://127.0.0.1:${port}`;
  await until('WebDAV', () => fetch(url).then(() => true, () => false));
  return { directory, url };
}

describe('the page of backups', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let database, service, browser;

  before(async () => {
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    service = await Service.start({ dsn: database.dsn, env: { CCH_DATA_BACKUP_RETRY_PAUSE: 1 } });
    browser = await Browser.start();
  });
  after(() => browser?.close());

  const row = (page, list, name) => page.getByRole('list', { name: list }).locator(':scope > li', { hasText: name });

  test('the offered job is switched on by one click, runs, is proven, and comes back into the import', async () => {
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/data');
    await page.getByText('There is no good backup yet').waitFor();
    await page.getByRole('link', { name: 'Backups' }).last().click();
    await page.getByText('Nothing is backed up yet').waitFor();
    await window.screenshot('backups-offered');
    await page.getByRole('button', { name: 'Back up every day' }).click();
    await page.getByRole('button', { name: 'Run now: daily' }).click();
    await page.getByText('Yes: a good backup is there, and it is proven').waitFor({ timeout: 30_000 });
    const backup = page.getByRole('list', { name: 'Backups' }).locator(':scope > li');
    await backup.getByText(/read back, every row is as in the manifest/).waitFor();
    await backup.getByText(/Kept: .*daily 1.*goes/).waitFor();
    // Pinned; and the newest good one is not deleted.
    await backup.getByRole('button', { name: /^More:/ }).click();
    await page.getByRole('menuitem', { name: 'Pin' }).click();
    await backup.getByText('pinned', { exact: true }).waitFor();
    window.expected.push(/status of 409/);
    for (const [refusal, next] of [[/The backup is pinned; unpin it first/, 'Unpin'], [/This is the newest good backup and is not deleted/, 'Pin']]) {
      await backup.getByRole('button', { name: /^More:/ }).click();
      await page.getByRole('menuitem', { name: 'Delete' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByText(refusal).waitFor();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await backup.locator('.ant-btn-loading').waitFor({ state: 'detached' });
      await backup.getByRole('button', { name: /^More:/ }).click();
      await page.getByRole('menuitem', { name: next }).click();
      await backup.getByText('pinned', { exact: true }).waitFor({ state: next === 'Pin' ? 'visible' : 'detached' });
    }
    assert.equal(await database.value('SELECT count(*) FROM cch_data.backups'), '1');
    await backup.getByRole('button', { name: /^Restore/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Bring it back' }).click();
    await page.waitForURL(/settings\/data$/);
    await page.getByText(/^Last good backup/).waitFor();
    await page.locator('#import').getByText(/^backup_.*\.dump$/).waitFor();
    await page.locator('#import').getByRole('button', { name: 'Preview' }).click();
    await page.getByText('What will happen').waitFor();
    await window.close();
  });

  test('daily backups to WebDAV with encryption, by an administrator without a manual', async () => {
    const webdav = await startWebdav();
    const window = await browser.open(service);
    const { page } = window;
    await window.goto('/settings/backups?tab=destinations');
    await page.getByRole('button', { name: 'Add a destination' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('cloud');
    await form.getByLabel('Address').fill(webdav.url);
    await form.getByLabel('User').fill('backup');
    await form.getByLabel('Password', { exact: true }).fill('wrong');
    await form.getByRole('button', { name: 'Save and test' }).click();
    await page.getByText(/Writing failed: The destination refuses access/).waitFor();
    await page.getByRole('button', { name: 'Edit cloud' }).click();
    assert.equal(await form.getByLabel('Password', { exact: true }).getAttribute('placeholder'), 'set; leave it empty to keep it');
    await form.getByLabel('Password', { exact: true }).fill('open sesame');
    await form.getByRole('button', { name: 'Save and test' }).click();
    await page.getByText(/It works: written, read back, compared and deleted/).waitFor();
    await page.getByRole('tab', { name: 'Jobs' }).click();
    await page.getByRole('button', { name: 'Add a job' }).click();
    await form.getByLabel('Name').fill('offsite');
    await form.getByLabel('At', { exact: true }).fill('03:30');
    await form.locator('ol time').first().waitFor();
    await form.getByTitle('cloud').waitFor(); // the newest destination is offered
    await form.getByRole('switch').click();
    await form.getByRole('button', { name: 'Make a key pair' }).click();
    const secret = await form.getByText(/^AGE-SECRET-KEY-/).innerText();
    const save = form.getByRole('button', { name: 'Save', exact: true });
    assert.ok(await save.isDisabled(), 'not before the secret key is saved');
    await form.getByText('I have saved the secret key').click();
    await window.screenshot('backups-job');
    await save.click();
    await page.getByText('The job offsite is saved').waitFor();
    await row(page, 'Jobs', 'offsite').getByText('Every day 03:30').waitFor();
    await page.getByRole('button', { name: 'Run now: offsite' }).first().click();
    await until('the file', () => readdirSync(webdav.directory).includes('offsite') && readdirSync(path.join(webdav.directory, 'offsite')).some((name) => name.endsWith('.dump.age')), 30_000);
    // The way back asks for the key.
    await page.getByRole('tab', { name: 'Backups' }).click();
    await row(page, 'Backups', 'offsite/').getByRole('button', { name: /^Restore/ }).click({ timeout: 30_000 });
    const fetching = page.getByRole('dialog');
    assert.ok(await fetching.getByRole('button', { name: 'Bring it back' }).isDisabled());
    await fetching.getByLabel('Secret key').fill(secret);
    await fetching.getByRole('button', { name: 'Bring it back' }).click();
    await page.waitForURL(/settings\/data$/);
    await page.locator('#import').getByText(/^backup_.*\.dump$/).first().waitFor();
    await window.close();
  });

  for (const [language, size] of views) {
    test(`every tab, an accessible form, and a failure in words (${language}, ${size})`, async () => {
      const w = words[language];
      await database.exec(`
        INSERT INTO cch_data.backup_jobs (name, is_enabled, settings, handled_at)
          SELECT 'broken', true, settings, now() FROM cch_data.backup_jobs WHERE name = 'daily' ON CONFLICT DO NOTHING;
        INSERT INTO cch_data.backup_runs (kind, job_name, state, asked_by, error_code, message, started_at, ended_at)
          VALUES ('backup', 'broken', 'failed', 'schedule', 'storage.full', 'No space left on device', now(), now())`);
      const window = await browser.open(service, { language, size });
      const { page } = window;
      await window.goto('/settings/backups');
      await page.getByRole('heading', { level: 1, name: w.title }).waitFor();
      await page.getByText(w.failed).waitFor();
      await window.assertAccessible();
      await window.screenshot('backups');
      for (const [place, tab] of w.tabs.entries()) {
        await page.getByRole('tab', { name: tab }).click();
        await page.getByRole('tabpanel').locator('li, .ant-collapse-item').first().waitFor();
        await window.screenshot(`backups-tab${place}`);
      }
      await page.getByRole('tab', { name: w.tabs[2] }).click();
      await page.getByRole('tabpanel').getByText(w.run).last().click();
      await page.getByRole('list', { name: w.log }).waitFor();
      await page.getByRole('tab', { name: w.tabs[0] }).click();
      await page.getByRole('button', { name: w.jobForm }).click();
      await page.getByRole('dialog').locator('ol time').first().waitFor();
      await window.assertAccessible();
      await window.close();
    });
  }
});
