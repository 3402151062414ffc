// Messages of the data page after a failure of the service, the tab or the connection, and after a reload.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { slowArchive } from '../api/support/archive.mjs';
import { temporaryDirectory } from '../api/support/cleanup.mjs';
import { Database, fixture } from '../api/support/database.mjs';
import { Proxy } from '../api/support/proxy.mjs';
import { until } from '../api/support/run.mjs';
import { freePort, startPostgres } from '../api/support/servers.mjs';
import { Service, haveBinary } from '../api/support/service.mjs';
import { Browser, haveChromium } from './support/browser.mjs';

const brokenOff = [/net::ERR_/, /Failed to load resource/];

describe('the data page when something breaks', { skip: (!haveBinary && 'no binary') || (!haveChromium && 'no Chromium') }, () => {
  let server, browser, directory, slow;

  before(async () => {
    server = await startPostgres();
    browser = await Browser.start();
    directory = temporaryDirectory('data-broken');
    slow = await slowArchive(server, directory, { phase: 'data', rows: 200 });
  });
  after(() => browser?.close());

  // A database, its service on its own port behind a proxy, and the page, while an import loads rows.
  async function importing() {
    const database = await Database.create(server);
    await database.execFile(fixture('hub-v09.sql'));
    const print = await contents(database);
    const options = {
      dsn: database.dsn, tempDir: temporaryDirectory('tmp', 0o700), dataDir: temporaryDirectory('data', 0o755),
      env: { AUTO_MIGRATE: 'false', LISTEN_PORT: await freePort() },
    };
    const service = await Service.start(options);
    const proxy = await Proxy.start(service.port);
    const window = await browser.open({ url: `http://127.0.0.1:${proxy.port}` }, { expected: brokenOff });
    await window.goto('/settings/data');
    await window.page.locator('input[type=file]').setInputFiles(slow);
    await window.page.getByRole('button', { name: 'Upload and preview' }).click();
    await window.page.getByRole('button', { name: 'Start the import' }).click();
    await window.page.getByText(/Copying rows/).first().waitFor();
    return { database, print, options, service, proxy, window, page: window.page };
  }

  const contents = (database) => database.dumpText('--schema=public');
  const idle = (service) => until('an idle service', async () => {
    const status = await service.status();
    return !status.operation.running && status.running.length === 0;
  }, 20_000);

  test('the service is killed and comes back: the page finds out that nothing was changed, and the upload is there still', async () => {
    const { database, print, options, service, window, page } = await importing();
    await service.stop('SIGKILL');
    await page.getByText(/The connection broke; asking the service/).waitFor();
    await window.screenshot('data-broken');
    const again = await Service.start(options);
    await page.getByText('It was broken off and rolled back: the audit log does not have it').waitFor({ timeout: 30_000 });
    await window.assertAccessible();
    await window.screenshot('data-killed');
    assert.equal(await contents(database), print);
    await page.reload();
    await page.getByText('It was broken off and rolled back').waitFor();
    await page.getByRole('button', { name: 'Another import' }).click();
    await page.getByRole('button', { name: 'Use', exact: true }).click();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByText('What will happen').waitFor();
    await window.close();
    await again.stop();
  });

  test('a reload in the middle asks first; afterwards the page says that the import was cancelled', async () => {
    const { database, print, service, window, page } = await importing();
    let asked = false;
    page.once('dialog', (dialog) => {
      asked = dialog.type() === 'beforeunload';
      void dialog.accept();
    });
    await page.getByRole('heading', { level: 1 }).click(); // a browser asks only after a user's action on the page
    await page.reload();
    assert.ok(asked);
    await page.getByText('Cancelled, and the database is unchanged').waitFor();
    await window.assertAccessible();
    await idle(service);
    assert.equal(await contents(database), print);
    await window.close();
    await service.stop();
  });

  test('a connection that breaks cancels the import, and the page learns its end from the service', async () => {
    const { database, print, service, window, page, proxy } = await importing();
    proxy.cut();
    await page.getByText('Cancelled, and the database is unchanged').waitFor();
    await idle(service);
    assert.equal(await contents(database), print);
    await window.close();
    await service.stop();
  });

  test('an upload that is paused, left and chosen again goes on where it was', async () => {
    const database = await Database.create(server);
    await database.exec("CREATE TABLE big (id serial PRIMARY KEY, v text); ALTER TABLE big ALTER v SET STORAGE EXTERNAL; INSERT INTO big (v) SELECT string_agg(md5(i::text || j::text), '') FROM generate_series(1, 400) AS i, generate_series(1, 2000) AS j GROUP BY i");
    const file = await database.pgDump(path.join(directory, 'big.dump'), '-Z0');
    const service = await Service.start({ dsn: database.dsn, env: { AUTO_MIGRATE: 'false' } });
    const window = await browser.open(service, { colors: 'dark', expected: brokenOff });
    const { page } = window;
    await window.goto('/settings/data');
    // Slow enough to be seen.
    const session = await window.context.newCDPSession(page);
    const network = (bytes) => session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
    await network(4_000_000);
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText(/a second/).waitFor();
    await until('a piece has arrived', async () => (await (await service.fetch('/api/admin/database/uploads')).json()).uploads[0]?.offset > 0);
    await window.screenshot('data-uploading');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText(/Paused at/).waitFor();
    const [upload] = (await (await service.fetch('/api/admin/database/uploads')).json()).uploads;
    page.once('dialog', (dialog) => void dialog.accept());
    await page.reload();
    await page.getByText('Archives uploaded before').waitFor();
    await window.screenshot('data-kept-upload');
    await window.assertAccessible();
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Upload and preview' }).click();
    await page.getByText('What will happen').waitFor();
    await window.assertAccessible();
    await window.screenshot('data-dark');
    const { uploads } = await (await service.fetch('/api/admin/database/uploads')).json();
    assert.deepEqual(uploads.map(({ id, isComplete }) => [id, isComplete]), [[upload.id, true]]);
    await window.close();
    await service.stop();
  });
});
