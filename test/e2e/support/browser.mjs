// Chromium as a person would use it. A console error, a page error, a violation of the content security policy, a request to another
// host, or a serious finding of axe fails the test.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { temporaryDirectory } from '../../api/support/cleanup.mjs';
import { adminToken } from '../../api/support/service.mjs';

const axeSource = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell';
export const haveChromium = existsSync(executablePath);

export const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

// The settings for the main views of a page: both languages and both widths; all pairs of them with E2E_VIEWS=all.
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
      // A page lives for seconds, in which optimized code is not worth its compilation.
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
        '--js-flags=--no-opt,--no-maglev,--single-threaded-gc,--min-semi-space-size=16'],
    });
    return browser;
  }

  // A window that is still open belongs to a failed test: shows its contents.
  async close() {
    for (const { page } of this.windows) {
      if (page.isClosed()) continue;
      const shown = await page.evaluate(() => document.body.innerText).catch((error) => String(error));
      process.stderr.write(`left open: ${page.url()}\n${shown.replaceAll(/^/gm, '  ')}\n`);
    }
    await this.chromium.close();
  }

  // A window with its own cookies and storage. `signedIn`: starts with a session instead of the login page. Without `isChosen` the
  // language is the browser's, as nobody has chosen one. `expected`: patterns of console errors that the test causes, such as the
  // browser's message about a 401.
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
    await this.page.evaluate(() => window.scrollTo(0, 0)); // so that the bar is at the top
    await this.page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}-${this.language}-${this.size}.png`), fullPage: true });
  }

  // Asserts that axe has no serious or critical findings, and that nothing is wider than the window.
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

  // Closes the window; fails if any problem was noticed.
  async close() {
    await this.context.close();
    this.windows.delete(this);
    assert.deepEqual(this.findings, []);
  }
}

export const downloads = () => temporaryDirectory('downloads');
