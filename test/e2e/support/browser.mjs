// Chromium as a person would use it, with a watchful eye: a console error, a page error, a breach of the content security policy
// or a request to another host fails the test, and so do serious findings of axe.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { temporaryDirectory } from '../../api/support/cleanup.mjs';
import { adminToken } from '../../api/support/service.mjs';

const require = createRequire(new URL('../../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell';
export const haveChromium = existsSync(executablePath);

export const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

// What the main views of a page are looked at in: both languages and both widths; in all pairs of them with E2E_VIEWS=all.
export const views = process.env.E2E_VIEWS === 'all'
  ? [['zh-CN', 'desktop'], ['zh-CN', 'phone'], ['en', 'desktop'], ['en', 'phone']]
  : [['zh-CN', 'phone'], ['en', 'desktop']];
const STORED = { language: 'cch-data.language', colors: 'cch-data.colors' };

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.windows = new Set();
    browser.chromium = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
    return browser;
  }

  // A window that is still open is a failed test's: what it showed.
  async close() {
    for (const { page } of this.windows) {
      if (page.isClosed()) continue;
      const shown = await page.evaluate(() => document.body.innerText).catch((error) => String(error));
      process.stderr.write(`left open: ${page.url()}\n${shown.replaceAll(/^/gm, '  ')}\n`);
    }
    await this.chromium.close();
  }

  // A window of its own (cookies, storage). `signedIn` begins with a session instead of at the login; without `isChosen` nobody
  // has chosen the language, which is the browser's. `expected`: patterns of
  // console errors that belong to what is tested, such as the browser's own line about an answer 401.
  async open(service, { language = 'en', size = 'desktop', colors = 'light', signedIn = true, isChosen = true, expected = [] } = {}) {
    const context = await this.chromium.newContext({
      viewport: sizes[size], locale: language, baseURL: service.url, reducedMotion: 'reduce', acceptDownloads: true,
      hasTouch: size === 'phone', isMobile: size === 'phone',
    });
    await context.addInitScript(([names, values]) => {
      for (const name of Object.keys(values)) if (localStorage.getItem(names[name]) === null) localStorage.setItem(names[name], values[name]);
    }, [STORED, { ...(isChosen ? { language } : {}), colors }]);
    if (signedIn) {
      const answer = await context.request.post('/api/auth/login', { data: { key: adminToken } });
      assert.equal(answer.status(), 200);
    }
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const window = new Window(context, page, service, { language, size, expected, windows: this.windows });
    this.windows.add(window);
    return window;
  }
}

class Window {
  constructor(context, page, service, { language, size, expected, windows }) {
    Object.assign(this, { context, page, service, language, size, expected, windows, findings: [] });
    const note = (text) => {
      if (!expected.some((pattern) => pattern.test(text))) this.findings.push(text);
    };
    page.on('console', (message) => message.type() === 'error' && note(`console: ${message.text()}`));
    page.on('pageerror', (error) => note(`page error: ${error.stack}`));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== service.url && !['data:', 'blob:'].includes(url.protocol)) note(`a request to ${url.origin}`);
    });
  }

  async goto(address) {
    await this.page.goto(address);
  }

  // A screenshot of the whole page into the directory SCREENSHOTS, if there is one.
  async screenshot(name) {
    if (!process.env.SCREENSHOTS) return;
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await this.page.evaluate(() => window.scrollTo(0, 0)); // where the bar stands at the top
    await this.page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}-${this.language}-${this.size}.png`), fullPage: true });
  }

  // axe's serious and critical findings, and nothing wider than the window.
  async assertAccessible() {
    await this.page.evaluate(axeSource).catch(() => this.page.evaluate((source) => new Function(source)(), axeSource));
    const { violations } = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(
      serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`), [],
      `on ${this.page.url()}`,
    );
    const overflow = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `${this.page.url()} is ${overflow} px wider than the window`);
  }

  // Fails if anything was noticed; ends the window.
  async close() {
    await this.context.close();
    this.windows.delete(this);
    assert.deepEqual(this.findings, []);
  }
}

export const downloads = () => temporaryDirectory('downloads');
