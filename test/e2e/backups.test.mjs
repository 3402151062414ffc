// The page of backups, as an administrator uses it: the offered job, a restore, and encrypted backups to WebDAV.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { atExit, endSync, temporaryDirectory } from '../api/support/cleanup.mjs';
import { Database, fixture } from '../api/support/database.mjs';
import { until } from '../api/support/run.mjs';
import { freePort, startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { MailServer } from '../api/support/smtp.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';

const words = {
  'zh-CN': { title: '备份', tabs: ['任务', '存储位置', '运行记录', '备份列表', '通知'], channelForm: '添加通知渠道', email: '邮件', add: '添加存储位置', save: '保存并测试', jobForm: '添加任务', run: '备份 · daily', log: '过程', failed: /“broken”最近一次备份失败.*：存储位置空间不足/ },
  en: { title: 'Backups', tabs: ['Jobs', 'Destinations', 'Runs', 'Backups', 'Messages'], channelForm: 'Add a channel', email: 'E-mail', add: 'Add a destination', save: 'Save and test', jobForm: 'Add a job', run: 'Backup · daily', log: 'What happened', failed: /The last backup of “broken” failed .*: The destination has no room left/ },
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
  let database, service, browser, secret;

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
    secret = await form.getByText(/^AGE-SECRET-KEY-/).innerText();
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

  test('a job by its form: every kind of schedule, the advanced settings, what they mean; cancelled, cleaned up, deleted', async () => {
    const window = await browser.open(service, { expected: [/status of 400/] });
    const { page } = window;
    const form = page.getByRole('dialog');
    const saved = async () => (await (await service.fetch('/api/admin/backup-jobs')).json()).jobs.find(({ name }) => name === 'formed');
    const save = async () => {
      await form.getByRole('button', { name: 'Save', exact: true }).click();
      await form.waitFor({ state: 'detached' });
    };
    await window.goto('/settings/backups?tab=jobs');
    await page.getByRole('button', { name: 'Add a job' }).click();
    await form.getByLabel('Name').fill('formed');
    await form.getByText('Every month', { exact: true }).click();
    await form.getByLabel('On day').fill('31');
    await form.getByText('Months without that day are skipped').waitFor();
    await form.getByLabel('At', { exact: true }).fill('05:15');
    await form.getByLabel('Time zone').fill('Asia/Shanghai');
    await page.getByTitle('Asia/Shanghai').click();
    await form.getByLabel('Where').press('Backspace'); // the newest destination, which is offered
    await form.getByText('Add a destination first').waitFor();
    await form.getByLabel('Where').click();
    await page.getByTitle('local').click();
    await form.getByRole('button', { name: 'Advanced' }).click();
    await form.getByLabel('Tables without their rows').fill('no_such_table');
    await form.getByLabel('Tables without their rows').press('Enter');
    await form.getByText('After a restore the tables without their rows are empty.').waitFor();
    await form.getByLabel('Wait for the lock, minutes').fill('90');
    await form.getByLabel('Time limit, minutes').fill('60');
    await form.getByText('The time limit is not longer than the wait').waitFor();
    await form.getByLabel('Time limit, minutes').fill('120');
    await form.getByLabel('Tries', { exact: true }).fill('5');
    await form.getByLabel('At least').fill('2');
    await form.getByLabel('Yearly backups').fill('3');
    await form.getByLabel('Restore for a trial every').fill('30');
    await form.getByText('A trial restore takes the backup lock').waitFor();
    await form.getByRole('button', { name: 'Save', exact: true }).click();
    await form.getByText('there is no table no_such_table').waitFor();
    await form.getByLabel('Tables without their rows').press('Backspace');
    await form.getByLabel('Tables without their rows').fill('audit_log');
    await form.getByLabel('Tables without their rows').press('Enter');
    await save();
    const { settings } = await saved();
    assert.deepEqual({ ...settings, destinations: settings.destinations.length }, {
      schedule: '15 5 31 * *', timeZone: 'Asia/Shanghai', contents: 'full', excludedTables: ['audit_log'], compression: 'balanced', destinations: 1, recipients: [],
      retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 3, withinHours: 0, minimum: 2 }, verifyDays: 7, drillDays: 30, waitSeconds: 5400, limitSeconds: 7200, tries: 5,
    });
    await row(page, 'Jobs', 'formed').getByText('Every month on day 31, 05:15 (Asia/Shanghai)').waitFor();

    // Edited: each other kind of schedule, and what the changes mean.
    const edits = [
      [async () => {
        await form.getByText('Every week', { exact: true }).click();
        await form.getByLabel('On', { exact: true }).click();
        await page.getByTitle('Wednesday').click();
        await form.getByLabel('Daily backups').fill('3');
        await form.getByText('Less is kept').waitFor();
      }, '15 5 * * 3', 'Every week, Wednesday 05:15'],
      [async () => {
        await form.getByText('Every hour', { exact: true }).click();
        await form.getByLabel('At minute').fill('20');
        await form.getByLabel('What', { exact: true }).click();
        await page.getByTitle('The ledger only').click();
        await form.getByText('which can only be imported by a merge').waitFor();
      }, '20 * * * *', 'Every hour (:20)'],
      [async () => {
        await form.getByText('Own cron', { exact: true }).click();
        await form.getByLabel('Cron expression').fill('61 * * * *');
        await form.getByRole('alert').getByText(/minute/).waitFor();
        await form.getByLabel('Cron expression').fill('30 2 * * MON-FRI');
        await form.locator('ol time').nth(4).waitFor();
        await form.getByText('Switch it on').click();
      }, '30 2 * * MON-FRI', '30 2 * * MON-FRI'],
    ];
    for (const [edit, schedule, shown] of edits) {
      await page.getByRole('button', { name: 'Edit formed' }).click();
      await edit();
      await save();
      assert.equal((await saved()).settings.schedule, schedule);
      await row(page, 'Jobs', 'formed').getByText(shown, { exact: false }).waitFor();
    }
    assert.deepEqual([(await saved()).isEnabled, (await saved()).settings.excludedTables, (await saved()).settings.contents], [false, ['audit_log'], 'ledger-only']);

    // A run that waits is cancelled; nothing of it stays.
    const other = await database.session();
    await other.exec('BEGIN; LOCK TABLE public.users IN ACCESS EXCLUSIVE MODE');
    await page.getByRole('button', { name: 'Run now: formed' }).first().click();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByRole('button', { name: 'Cancel the run' }).waitFor({ state: 'detached' });
    await other.exec('ROLLBACK');
    await other.close();
    await page.getByRole('tab', { name: 'Runs' }).click();
    await page.getByRole('tabpanel').getByText('Backup · formed').waitFor();
    await page.getByRole('tabpanel').getByText('cancelled').waitFor();
    assert.equal(await database.value("SELECT count(*) FROM cch_data.backups WHERE job_name = 'formed'"), '0');
    assert.deepEqual(readdirSync(path.join(service.dataDir, 'backup-runs')), []);

    // Cleaned up by its rules, and deleted.
    await page.getByRole('tab', { name: 'Jobs' }).click();
    await page.getByRole('button', { name: 'More: formed' }).click();
    await page.getByRole('menuitem', { name: 'Clean up by the rules' }).click();
    await until('the cleaning', async () => await database.value("SELECT count(*) FROM cch_data.backup_runs WHERE kind = 'prune' AND job_name = 'formed' AND state = 'succeeded'") === '1');
    await page.getByRole('button', { name: 'More: formed' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('The job formed is deleted').waitFor();
    await row(page, 'Jobs', 'formed').waitFor({ state: 'detached' });
    assert.equal(await saved(), undefined);
    await window.close();
  });

  test('a backup is verified and drilled, a fetch is cancelled; destinations of every kind are saved, named when wrong, scanned', async () => {
    const window = await browser.open(service, { expected: [/status of 400/] });
    const { page } = window;
    const form = page.getByRole('dialog');
    const ended = (kind) => until(`the run ${kind}`, () => database.value(`SELECT state FROM cch_data.backup_runs WHERE kind = '${kind}' AND asked_by <> 'schedule' AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1`), 30_000);
    const destination = async (name) => (await (await service.fetch('/api/admin/backup-destinations')).json()).destinations.find((one) => one.name === name);
    await window.goto('/settings/backups');
    const backup = row(page, 'Backups', 'daily/');
    for (const [item, kind, shown] of [['Verify (read back)', 'verify', /read back, every row/], ['Restore for a trial', 'drill', /restored for a trial, every row is equal/]]) {
      await backup.getByRole('button', { name: /^More:/ }).click();
      await page.getByRole('menuitem', { name: item }).click();
      assert.equal(await ended(kind), 'succeeded');
      await backup.getByText(shown).waitFor();
    }
    await page.getByText('not measured yet').waitFor({ state: 'detached' });
    await row(page, 'Backups', 'offsite/').getByRole('button', { name: /^More:/ }).click();
    assert.equal(await page.getByRole('menuitem', { name: /encrypted: this server has no key/ }).getAttribute('aria-disabled'), 'true');
    await page.keyboard.press('Escape');

    await row(page, 'Backups', 'offsite/').getByRole('button', { name: /^More:/ }).click();
    await page.getByRole('menuitem', { name: 'What is in it' }).click();
    await form.getByText('The backup is encrypted. Its manifest is not').waitFor();
    await form.getByRole('row', { name: /^users / }).waitFor();
    await window.assertAccessible();
    await form.getByRole('button', { name: 'Close' }).click();
    await form.waitFor({ state: 'detached' });

    // The time line: each backup with its state, size and reason, also by the keyboard.
    await page.getByRole('radio').first().focus();
    await page.keyboard.press('End');
    const line = page.getByRole('region', { name: 'Time line of the backups' });
    await line.getByRole('radio', { name: /proven$/ }).first().check();
    await line.getByText(/· daily · local/).waitFor();
    await line.getByText(/Kept: .*daily 1/).waitFor();

    // Over a slow line: a fetch is cancelled, and leaves nothing.
    await page.getByRole('tab', { name: 'Destinations' }).click();
    await page.getByRole('button', { name: 'Edit cloud' }).click();
    await form.getByRole('button', { name: 'Advanced' }).click();
    await form.getByLabel('At most, KB/s').fill('1');
    await form.getByRole('button', { name: 'Save and test' }).click();
    await form.waitFor({ state: 'detached' });
    assert.equal((await destination('cloud')).bandwidthBytesPerSecond, 1024);
    const uploads = readdirSync(service.tempDir);
    await page.getByRole('tab', { name: 'Backups' }).click();
    await row(page, 'Backups', 'offsite/').getByRole('button', { name: /^Restore/ }).click();
    await form.getByLabel('Secret key').fill(secret);
    await form.getByRole('button', { name: 'Bring it back' }).click();
    await form.getByRole('progressbar').waitFor();
    await form.getByRole('button', { name: 'Cancel' }).click();
    await form.waitFor({ state: 'detached' });
    await until('nothing is left', () => readdirSync(service.tempDir).length === uploads.length);
    assert.match(page.url(), /settings\/backups/);

    // Forms of destinations. What is wrong is named; a test that fails says at what.
    await page.getByRole('tab', { name: 'Destinations' }).click();
    const forms = [
      ['S3', { Bucket: 'hub' }, {
        Endpoint: 'http://127.0.0.1:1', Region: 'auto', Prefix: 'a/b', 'Access key ID': 'AK', 'Secret access key': 'SK', 'Storage class': 'STANDARD_IA',
      }, { bucket: 'hub', endpoint: 'http://127.0.0.1:1', region: 'auto', prefix: 'a/b', accessKeyId: 'AK', storageClass: 'STANDARD_IA', pathStyle: true }, ['secretAccessKey']],
      ['SFTP', { Host: '127.0.0.1', User: 'backup' }, { Port: '1', Folder: 'hub', Password: 'sesame' }, { host: '127.0.0.1', user: 'backup', port: 1, path: 'hub' }, ['password']],
      ['rclone', { 'Remote and path': 'nowhere:hub' }, {}, { remote: 'nowhere:hub' }, []],
      ['Directory', {}, { Path: '/no/such/folder' }, { path: '/no/such/folder' }, []],
    ];
    const save = form.getByRole('button', { name: 'Save and test' });
    for (const [kind, required, fields, settings, secrets] of forms) {
      await page.getByRole('button', { name: 'Add a destination' }).click();
      await form.getByText(kind, { exact: true }).click();
      await form.getByLabel('Name', { exact: true }).fill(`my ${kind}`);
      if (kind !== 'Directory') assert.ok(await save.isDisabled(), kind);
      await form.getByRole('button', { name: 'Advanced' }).click();
      for (const [label, value] of Object.entries({ ...required, ...fields })) await form.getByLabel(label, { exact: true }).fill(value);
      if (kind === 'S3') await form.getByText('Path-style addresses').click();
      await save.click();
      if (kind === 'SFTP') {
        await form.getByText('hostKey is missing').waitFor();
        await form.getByLabel('Host key').fill(settings.hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGbM2bRgX0Y6hFvXQk3OcVQz0pq0T6j0o3gk7l3xWb0Z');
        await save.click();
      }
      await form.waitFor({ state: 'detached' });
      const one = await destination(`my ${kind}`);
      assert.deepEqual([one.settings, one.secretsSet], [settings, secrets]);
    }
    await row(page, 'Destinations', 'my Directory').getByText(/Writing failed: The destination has no such file or folder/).waitFor();
    await page.getByRole('button', { name: 'Test my rclone' }).click();
    await row(page, 'Destinations', 'my rclone').getByRole('alert').waitFor();

    // A scan finds what lies there, and a job's destination cannot be removed.
    await page.getByRole('button', { name: 'Scan local' }).click();
    assert.equal(await ended('scan'), 'succeeded');
    window.expected.push(/status of 409/);
    await page.getByRole('button', { name: 'Delete local' }).click();
    await form.getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/A backup job still uses this destination/).first().waitFor();
    for (const [kind] of forms) {
      await page.getByRole('button', { name: `Delete my ${kind}` }).click();
      await form.getByRole('button', { name: 'Delete' }).click();
      await row(page, 'Destinations', `my ${kind}`).waitFor({ state: 'detached' });
    }
    await page.getByRole('tab', { name: 'Runs' }).click();
    await page.getByRole('tabpanel').getByText('Scan', { exact: false }).first().click();
    await page.getByText(/found at “local”/).waitFor();
    await window.close();
  });

  // What a receiver of webhooks gets; it answers with `status`.
  async function startCollector() {
    const collector = { received: [], status: 200 };
    const server = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        collector.received.push({ url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(collector.status).end(collector.status === 200 ? '{"errcode":0,"code":0,"ok":true}' : 'no such room');
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    collector.url = `http://127.0.0.1:${server.address().port}`;
    return collector;
  }

  test('messages: channels of every kind by their forms, a test in words, secrets that stay, and who is told', async () => {
    const collector = await startCollector();
    await database.exec(`CREATE TABLE webhook_targets (id integer, name text, provider_type text, webhook_url text, is_enabled boolean);
      INSERT INTO webhook_targets VALUES (1, 'duty', 'dingtalk', '${collector.url}/hub?access_token=t', true), (2, 'old', 'wechat', '${collector.url}/old', false)`);
    const window = await browser.open(service);
    const { page } = window;
    const form = page.getByRole('dialog');
    const channel = (name) => row(page, 'Channels', name);
    const channels = async () => (await (await service.fetch('/api/admin/notify/channels')).json()).channels;
    const saved = async (name) => (await channels()).find((one) => one.name === name);
    const save = form.getByRole('button', { name: 'Save', exact: true });
    await window.goto('/settings/backups');
    await page.getByText('Nobody is told when a backup fails.').waitFor();
    await page.getByRole('link', { name: 'Set up messages' }).click();
    await page.getByText('There are no channels yet').waitFor();
    await window.assertAccessible();
    await window.screenshot('backups-messages-none');

    // The hub's own target, by one click.
    assert.ok(await page.getByRole('button', { name: '“old” is switched off in the hub' }).isDisabled());
    await page.getByRole('button', { name: 'Use “duty” (DingTalk)' }).click();
    await channel('duty').getByText(/The test was accepted/).waitFor();
    assert.match(collector.received[0].url, /^\/hub\?access_token=t/);
    await page.getByText('Nobody is told when a backup fails.').waitFor({ state: 'detached' });

    // A signed webhook: refused, mended, and its secret kept unseen.
    collector.status = 404;
    await page.getByRole('button', { name: 'Add a channel' }).click();
    await form.getByText('Webhook', { exact: true }).click();
    await form.getByLabel('Name').fill('program');
    await form.getByLabel('Address').fill('example.com/hook');
    await form.getByText('An address that begins with http:// or https://').waitFor();
    assert.ok(await save.isDisabled());
    await form.getByLabel('Address').fill(`${collector.url}/hook`);
    await form.getByLabel('Signing secret').fill('sesame');
    await form.getByText('Each successful backup').click();
    await form.getByRole('button', { name: 'Save and send a test' }).click();
    await channel('program').getByText('The test did not arrive: the receiver refused it (status 404)').waitFor();
    await channel('program').getByText('All problems, and each successful backup').waitFor();
    collector.status = 200;
    await page.getByRole('button', { name: 'Edit program' }).click();
    for (const label of ['Address', 'Signing secret']) {
      assert.deepEqual([await form.getByLabel(label).inputValue(), await form.getByLabel(label).getAttribute('placeholder')], ['', 'set; leave it empty to keep it']);
    }
    await form.getByLabel('Name').fill('my program');
    await form.getByRole('button', { name: 'Save and send a test' }).click();
    await channel('my program').getByText(/The test was accepted/).waitFor();
    const { headers, body } = collector.received.at(-1);
    assert.equal(headers['x-cch-signature'], `sha256=${createHmac('sha256', 'sesame').update(`${headers['x-cch-timestamp']}.${body}`).digest('hex')}`);

    // E-mail: not a password in the clear to another machine; to this one it is sent.
    const mail = await MailServer.start({ mode: 'plain' });
    await page.getByRole('button', { name: 'Add a channel' }).click();
    await form.getByText('E-mail', { exact: true }).click();
    await form.getByLabel('Name').fill('mail');
    await form.getByLabel('Mail server').fill('mail.example.com');
    await form.getByLabel('User').fill('bot');
    await form.getByLabel('Password', { exact: true }).fill('sesame');
    await form.getByLabel('From').fill('cch@example.com');
    await form.getByLabel('To', { exact: true }).fill('ops@example.com，boss');
    await form.getByText('1 to 20 addresses, with commas between them').waitFor();
    await form.getByLabel('To', { exact: true }).fill('ops@example.com，boss@example.com');
    assert.ok(await save.isEnabled());
    await form.getByLabel('Security').click();
    await page.getByTitle('None (trusted networks only)').click();
    await form.getByText('Without TLS no password is sent').waitFor();
    assert.ok(await save.isDisabled());
    await form.getByLabel('Mail server').fill('127.0.0.1');
    await form.getByLabel('Port').fill(String(mail.port));
    await form.getByRole('button', { name: 'Save and send a test' }).click();
    await channel('mail').getByText(/The test was accepted/).waitFor();
    assert.deepEqual(mail.mails[0].to.length, 2);
    await page.getByRole('button', { name: 'Edit mail' }).click();
    await form.getByLabel('Port').fill(String(mail.port + 1));
    await form.getByText('For another server it has to be entered again').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    mail.stop();

    // The other kinds: their forms save what they should.
    const others = [
      ['WeCom', { 'Webhook address': 'https://wecom.example/send?key=k' }, ['url'], {}],
      ['Feishu / Lark', { 'Webhook address': 'https://feishu.example/h', 'Signing secret': 's' }, ['url', 'secret'], {}],
      ['DingTalk', { 'Webhook address': 'https://ding.example/h', 'Signing secret': 's' }, ['url', 'secret'], {}],
      ['Telegram', { 'Bot token': '12:t', 'Chat ID': '-100' }, ['botToken'], { chatId: '-100' }],
      ['Slack', { 'Webhook address': 'https://slack.example/h' }, ['url'], {}],
      ['Webhook with a template', { Address: 'https://custom.example/h', 'Template (JSON)': '{"a": "{{title}}"}', Headers: 'X-Token: a:b' }, ['url', 'headers'], { template: { a: '{{title}}' } }],
      ['Heartbeat', { Address: 'https://ping.example/h' }, ['url'], {}],
    ];
    for (const [kind, fields, secrets, settings] of others) {
      await page.getByRole('button', { name: 'Add a channel' }).click();
      await form.getByText(kind, { exact: true }).click();
      await form.getByLabel('Name').fill(`by ${kind}`);
      for (const [label, value] of Object.entries(fields)) await form.getByLabel(label).fill(value);
      await save.click();
      await channel(`by ${kind}`).waitFor();
      const one = await saved(`by ${kind}`);
      assert.deepEqual([Object.keys(one.secrets).filter((secret) => one.secrets[secret]).sort(), one.settings, one.enabled], [[...secrets].sort(), settings, true]);
    }
    assert.deepEqual((await saved('by Heartbeat')).kinds, ['backup_succeeded']);
    await row(page, 'Channels', 'by Slack').getByRole('switch').click();
    await row(page, 'Channels', 'by Slack').getByText('switched off').waitFor();
    assert.equal((await saved('by Slack')).enabled, false);

    // What was told, and what does not arrive.
    const { id } = await saved('by DingTalk');
    await database.exec(`INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, state, tries, next_try_at, ended_at, error)
      VALUES (${id}, 'job:daily', 'backup_failed', 'reminder', now(), 'h', '{"name":"daily"}', now(), 'failed', 1, now(), now() + interval '1 s', 'errcode 310000: sign not match')`);
    await page.reload();
    await page.getByText('The last message to the channel “by DingTalk” failed').waitFor();
    await row(page, 'Recent messages', 'Still so: Backup failed: daily').getByText('errcode 310000: sign not match').waitFor();
    await page.getByRole('button', { name: 'Delete by DingTalk' }).click();
    await form.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('The channel by DingTalk is deleted').waitFor();
    assert.equal(await saved('by DingTalk'), undefined);
    await database.exec('TRUNCATE cch_data.notify_channels, cch_data.notify_queue, cch_data.notify_states');
    await window.close();
  });

  for (const [language, size] of views) {
    test(`every tab, an accessible form, and a failure in words (${language}, ${size})`, async () => {
      const w = words[language];
      await database.exec(`
        INSERT INTO cch_data.backup_jobs (name, is_enabled, settings, handled_at)
          SELECT 'broken', true, settings, now() FROM cch_data.backup_jobs WHERE name = 'daily' ON CONFLICT DO NOTHING;
        INSERT INTO cch_data.backup_runs (kind, job_name, state, asked_by, error_code, message, started_at, ended_at)
          VALUES ('backup', 'broken', 'failed', 'schedule', 'storage.full', 'No space left on device', now(), now());
        TRUNCATE cch_data.notify_channels CASCADE;
        INSERT INTO cch_data.notify_channels (id, name, type, language, kinds, settings, target, secret_names) VALUES
          (1001, '值班群', 'wechat', 'zh-CN', '{backup_failed,no_good_backup_for_hours,verify_failed,drill_failed,destination_away,disk_short,lock_stuck,prices_held}', '{}', 'https://qyapi.weixin.qq.com', '{url}'),
          (1002, 'ops', 'email', 'en', '{backup_failed,drill_failed}', '{"server":"smtps://mail.example.com","from":"cch@example.com","to":["ops@example.com"]}', 'ops@example.com', '{}'),
          (1003, 'healthchecks', 'ping', 'en', '{backup_succeeded}', '{}', 'https://hc-ping.com', '{url}');
        INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, state, tries, next_try_at, ended_at, error) VALUES
          (1001, 'job:broken', 'backup_failed', 'bad', now(), 'h', '{"name":"broken"}', now() - interval '1 h', 'sent', 1, now(), now() - interval '59 min', NULL),
          (1001, 'prices', 'prices_held', 'bad', now(), 'h', '{"name":"LiteLLM"}', now() - interval '30 min', 'sent', 2, now(), now() - interval '29 min', NULL),
          (1003, 'job:daily', 'backup_succeeded', 'done', now(), 'h', '{"name":"daily"}', now() - interval '9 min', 'queued', 3, now() + interval '1 h', NULL, 'https://hc-ping.com: Could not connect to server'),
          (1002, 'job:broken', 'backup_failed', 'bad', now(), 'h', '{"name":"broken"}', now(), 'failed', 1, now(), now() + interval '1 s', 'mail.example.com: Login denied (535)')`);
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
        await window.screenshot(`backups-${['jobs', 'destinations', 'runs', 'list', 'messages'][place]}`);
      }
      await page.getByRole('tab', { name: w.tabs[2] }).click();
      await page.getByRole('tabpanel').getByText(w.run).last().click();
      await page.getByRole('list', { name: w.log }).waitFor();
      await page.getByRole('tab', { name: w.tabs[0] }).click();
      await page.getByRole('button', { name: w.jobForm }).click();
      await page.getByRole('dialog').locator('ol time').first().waitFor();
      await window.assertAccessible();
      await window.screenshot('backups-jobform');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('tab', { name: w.tabs[4] }).click();
      await page.getByRole('button', { name: w.channelForm }).click();
      await page.getByRole('dialog').getByText(w.email, { exact: true }).click();
      await window.assertAccessible();
      await window.screenshot('backups-channelform');
      await window.close();
    });
  }
});
