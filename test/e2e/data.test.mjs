// The data page, as an administrator uses it: status, exports, imports, undo.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { slowArchive } from '../api/support/archive.mjs';
import { temporaryDirectory } from '../api/support/cleanup.mjs';
import { Database, fixture } from '../api/support/database.mjs';
import { runOk, until } from '../api/support/run.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium, views } from './support/browser.mjs';
import { readFileSync, writeFileSync } from 'node:fs';

const words = {
  'zh-CN': { title: '数据导入导出', connected: '数据库连接正常', exportButton: '导出数据库', exported: '导出完成', upload: '上传并预览', happens: '将会发生什么', merge: '合并', start: '开始导入', complete: /导入完成/, counts: ['新增', '相同'] },
  en: { title: 'Data export and import', connected: 'Connected', exportButton: 'Export the database', exported: 'The export is complete', upload: 'Upload and preview', happens: 'What will happen', merge: 'Merge', start: 'Start the import', complete: /The import is complete/, counts: ['Added', 'Equal'] },
};
const brokenOff = [/net::ERR_/, /Failed to load resource/];

describe('the data page', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let server, browser, directory;

  before(async () => {
    server = await startPostgres();
    browser = await Browser.start();
    directory = temporaryDirectory('data-page');
  });
  after(() => browser?.close());

  const hub = async () => {
    const database = await Database.create(server);
    await database.execFile(fixture('hub-v09.sql'));
    return database;
  };
  const serve = (database) => Service.start({ dsn: database.dsn });
  const choose = (page, file) => page.locator('input[type=file]').setInputFiles(file);

  // Downloads an archive from the open page.
  async function exportByPage(window, name) {
    const { page } = window;
    const w = words[window.language];
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: w.exportButton }).click()]);
    const file = path.join(directory, name);
    await download.saveAs(file);
    await page.getByText(w.exported).waitFor();
    return { file, suggested: download.suggestedFilename() };
  }

  async function toPreview(window, file) {
    const { page } = window;
    const w = words[window.language];
    await choose(page, file);
    await page.getByRole('button', { name: w.upload }).click();
    await page.getByText(w.happens).waitFor();
  }

  for (const [language, size] of views) {
    test(`an export through the page, then rows lost, then a merge through the page: the same rows (${language}, ${size})`, async () => {
      const w = words[language];
      const database = await hub();
      const service = await serve(database);
      const window = await browser.open(service, { language, size });
      const { page } = window;
      await window.goto('/settings/data');
      await page.getByText(w.connected).waitFor();
      await page.getByRole('heading', { level: 1, name: w.title }).waitFor();
      await window.assertAccessible();
      await window.screenshot('data');
      const before = [await database.count('users'), await database.count('keys'), await database.count('message_request')];

      const { file, suggested } = await exportByPage(window, `${language}-${size}.dump`);
      assert.match(suggested, /^backup_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.dump$/);
      assert.match((await runOk('pg_restore', ['-l', file])).stdout, /TABLE DATA public message_request/);
      await page.getByRole('cell', { name: suggested }).first().waitFor();
      await window.screenshot('data-exported');

      await database.exec('DELETE FROM keys WHERE id % 2 = 0; DELETE FROM message_request WHERE id % 3 = 0');
      await toPreview(window, file);
      await window.assertAccessible();
      await window.screenshot('data-preview');
      await page.getByRole('button', { name: w.start }).click();
      await page.getByText(w.complete).first().waitFor();
      for (const title of w.counts) await page.getByText(title, { exact: false }).filter({ visible: true }).first().waitFor();
      await window.assertAccessible();
      await window.screenshot('data-imported');
      assert.deepEqual([await database.count('users'), await database.count('keys'), await database.count('message_request')], before);
      await window.close();
      await service.stop();
      await database.drop();
    });
  }

  test('an overwrite asks for the name of the database, and can be undone from the page', async () => {
    const database = await hub();
    const service = await serve(database);
    const archive = await database.pgDump(path.join(directory, 'overwrite.dump'));
    await database.exec("INSERT INTO users (name) VALUES ('since then')");
    const users = await database.count('users');
    const window = await browser.open(service, { expected: [/status of 503/] }); // between the renames the database does not exist
    const { page } = window;
    await window.goto('/settings/data');
    await choose(page, archive);
    await page.getByText('Overwrite', { exact: true }).click();
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText(/1 row that only this database has will be gone/).waitFor();
    await page.getByRole('button', { name: 'Overwrite the database' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Overwrite the database' });
    assert.ok(await confirm.isDisabled());
    await dialog.getByRole('textbox').fill('another');
    assert.ok(await confirm.isDisabled());
    await dialog.getByRole('textbox').fill(database.name);
    await window.assertAccessible();
    await window.screenshot('data-confirm');
    await confirm.click();
    await page.getByText(words.en.complete).first().waitFor({ timeout: 60_000 });
    assert.equal(await database.count('users'), users - 1);
    await page.getByRole('button', { name: 'Bring back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('Back to the database from before').waitFor({ timeout: 60_000 });
    assert.equal(await database.count('users'), users);
    // What was undone no longer reads as done.
    await page.getByText(words.en.complete).waitFor({ state: 'detached' });
    assert.equal(await page.getByText(/is complete/).count(), 0);
    await window.screenshot('data-undone');
    await window.close();
    await service.stop();
  });

  test('an overwrite without a comparison runs while its file is uploaded, and cancel ends both', async () => {
    const database = await hub();
    const service = await serve(database);
    const archive = await database.pgDump(path.join(directory, 'while-uploading.dump'));
    await database.exec("INSERT INTO users (name) VALUES ('since then')");
    const users = await database.count('users');
    const window = await browser.open(service, { expected: [...brokenOff, /status of 503/] });
    const { page } = window;
    let release;
    await page.route('**/api/admin/database/uploads/*', async (route) => {
      if (route.request().method() === 'PATCH') await new Promise((resolve) => (release = resolve));
      await route.continue().catch(() => {}); // it may be aborted by now
    });
    const beginAndWait = async () => {
      await choose(page, archive);
      await page.getByText('Overwrite', { exact: true }).click();
      await page.getByRole('checkbox', { name: /^Compare with what is there/ }).uncheck();
      await page.getByRole('button', { name: 'Upload and overwrite the database' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox').fill(database.name);
      await dialog.getByRole('button', { name: 'Overwrite the database' }).click();
      await page.getByText('waiting for the upload').first().waitFor();
      await page.getByRole('progressbar', { name: 'Uploading' }).waitFor();
    };
    await window.goto('/settings/data');
    await beginAndWait();
    await window.assertAccessible();
    await window.screenshot('data-while-uploading');
    await page.getByRole('button', { name: 'Cancel the import' }).click();
    release();
    await page.getByText('Cancelled, and the database is unchanged').waitFor();
    await until('the upload is gone', () => service.tempFiles().length === 0);
    assert.equal(await database.count('users'), users);
    await page.getByRole('button', { name: 'Another import' }).click();

    await beginAndWait();
    release();
    await page.getByText(words.en.complete).first().waitFor({ timeout: 60_000 });
    assert.equal(await database.count('users'), users - 1);
    await window.close();
    await service.stop();
  });

  test('a file that is no archive, or has another name, is refused before it is sent', async () => {
    const ascii = await Database.create(server, { options: `ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'` });
    await ascii.exec(`CREATE TABLE a (id integer PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'fine'), (2, E'caf\\xe9')`);
    const invalid = await ascii.pgDump(path.join(directory, 'ascii.dump'), '-E', 'SQL_ASCII');
    const service = await serve(await hub());
    const window = await browser.open(service, { expected: [/status of 400/] });
    const { page } = window;
    await window.goto('/settings/data');
    const wrong = path.join(directory, 'notes.dump');
    writeFileSync(wrong, 'these are notes');
    await choose(page, wrong);
    await page.getByRole('alert').getByText(/plain text, not an archive/).first().waitFor();
    await window.screenshot('data-refused');
    await page.getByRole('button', { name: 'Another file' }).click();
    await choose(page, { name: 'dump.sql', mimeType: 'text/plain', buffer: Buffer.from('SELECT 1') });
    await page.getByText('Choose an archive whose name ends with .dump').waitFor();
    // Of a row that is no text in UTF-8, table, row and column are named.
    const bytes = readFileSync(invalid);
    await choose(page, { name: 'ascii.dump', mimeType: 'application/octet-stream', buffer: bytes });
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText(/Text of the archive is not valid in this database's encoding: row 2, column v/).waitFor();
    await page.getByRole('button', { name: 'Start the import' }).click();
    await page.getByText(/Text of the archive is not valid.*public\.a: row 2, column v/).first().waitFor();
    await page.getByText('The import failed, and the database is unchanged').waitFor();
    await window.screenshot('data-invalid-text');
    for (const { id } of (await (await service.fetch('/api/admin/database/uploads')).json()).uploads) await service.fetch(`/api/admin/database/uploads/${id}`, { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } });
    assert.deepEqual((await (await service.fetch('/api/admin/database/uploads')).json()).uploads, []);
    await window.close();
    await service.stop();
  });

  describe('in the middle of an import,', () => {
    let database, service, window, archive, before_;

    before(async () => {
      archive = await slowArchive(server, directory, { phase: 'data', rows: 2000 });
    });

    // Until rows are loaded.
    async function begin(expected = []) {
      database = await hub();
      before_ = await contents();
      service = await serve(database);
      window = await browser.open(service, { expected });
      await window.goto('/settings/data');
      await toPreview(window, archive);
      await window.page.getByRole('button', { name: 'Start the import' }).click();
      await window.page.getByText(/Copying rows/).waitFor();
    }
    const contents = () => database.dumpText('--schema=public');
    const idle = () => until('an idle service', async () => {
      const status = await service.status();
      return !status.operation.running && status.running.length === 0;
    }, 20_000);

    test('cancel cancels, and the page says what is there', async () => {
      await begin(brokenOff);
      await window.screenshot('data-importing');
      await window.assertAccessible();
      await window.page.getByRole('button', { name: 'Cancel the import' }).click();
      await window.page.getByText('Cancelled, and the database is unchanged').waitFor();
      await idle();
      assert.equal(await contents(), before_);
      await window.close();
      await service.stop();
    });

    test('a closed tab asks first, and then the import is rolled back', async () => {
      await begin();
      let asked = false;
      window.page.on('dialog', (dialog) => {
        asked = dialog.type() === 'beforeunload';
        void dialog.accept();
      });
      await window.page.close({ runBeforeUnload: true });
      await until('the tab closed', () => window.page.isClosed());
      assert.ok(asked, 'it asked');
      await idle();
      assert.equal(await contents(), before_);
      assert.deepEqual(service.tempFiles().filter((name) => !name.includes('upload')), []);
      await window.close();
      await service.stop();
    });

    test('another administrator sees it run, and cannot start another; one\'s own is shown once', async () => {
      await begin(brokenOff);
      assert.equal(await window.page.getByRole('progressbar').count(), 1);
      assert.equal(await window.page.getByText('Running now').count(), 0);
      const other = await browser.open(service);
      await other.goto('/settings/data');
      await other.page.getByText('Running now').waitFor();
      await other.page.getByText(/Copying rows/).waitFor();
      assert.ok(await other.page.getByRole('button', { name: 'Export the database' }).isDisabled());
      await other.screenshot('data-watched');
      await other.assertAccessible();
      await window.page.getByRole('button', { name: 'Cancel the import' }).click();
      await other.page.getByText('Running now').waitFor({ state: 'detached' });
      await other.close();
      await window.close();
      await service.stop();
    });

    test('a service that is killed leaves the database whole, and the page says what is known', async () => {
      await begin(brokenOff);
      await service.stop('SIGKILL');
      await window.page.getByText(/The connection broke/).waitFor();
      await until('no backend', async () => (await database.backends()).length === 0, 20_000);
      assert.equal(await contents(), before_);
      await window.close();
    });
  });
});
