// The product's operations as the tests use them, by the command line and over HTTP.

import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { firstDifference } from './database.mjs';
import { cli } from './service.mjs';
import { lastEvent } from './sse.mjs';

// { code, events, stderr }: `cch-data import` on a database.
export async function importByCli(database, file, { overwrite = false, skipLogs = false, args: more = [], env = {}, dsn, ...options } = {}) {
  const args = ['import', '--json', '--yes', ...(overwrite ? ['--overwrite'] : []), ...(skipLogs ? ['--skip-logs'] : []), ...more, file];
  const result = await cli(args, { dsn: dsn ?? database.dsn, env: { AUTO_MIGRATE: 'false', ...env }, ...options });
  const events = result.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return { ...result, events, last: lastEvent(events) };
}

// As above; must succeed.
export async function importOk(database, file, options) {
  const result = await importByCli(database, file, options);
  assert.equal(result.last?.type, 'complete', `import failed: ${JSON.stringify(result.last)}\n${result.stderr}`);
  return result;
}

// { code, preview, stderr }: `cch-data import --dry-run` on a database.
export async function previewByCli(database, file, { args = [] } = {}) {
  const result = await cli(['import', '--dry-run', '--json', ...args, file], { dsn: database.dsn });
  return { ...result, preview: result.code === 0 ? JSON.parse(result.stdout) : null };
}

// The warnings of an import.
export const warnings = (events) => events.filter((event) => event.warning).map((event) => event.message);

// The counts of an import for a table: [total, inserted, skipped].
export function tableReport(event, table) {
  const found = event.tables?.find((entry) => entry.table === table);
  return found ? [found.rows, found.inserted, found.skipped] : null;
}

// Rows that a merge did not add or update: [equal, different, key taken].
export function keptReport(event, table) {
  const { equal, different, keyTaken } = event.tables.find((entry) => entry.table === table);
  return [equal, different, keyTaken];
}

// The counts of a merge with a choice: [total, inserted, updated, unchanged, skipped].
export function mergeReport(event, table) {
  const found = event.tables?.find((entry) => entry.table === table);
  return found ? [found.rows, found.inserted, found.updated, found.unchanged, found.skipped] : null;
}

// Downloads an export of the service into a file; returns the response's headers.
export async function exportOverHttp(service, file, query = '') {
  const response = await service.fetch(`/api/admin/database/export${query}`);
  assert.equal(response.status, 200, await (response.ok ? '' : response.text()));
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file));
  return response.headers;
}

// Runs `action` and asserts that the database has not changed by a byte.
export async function assertUnchanged(database, action) {
  const before = await database.dumpText();
  const result = await action();
  const difference = firstDifference(await database.dumpText(), before);
  assert.ok(difference === null, `the database changed: ${difference}`);
  return result;
}

// An import that must fail with this errorCode and exit code, and change nothing.
export async function assertRefused(database, file, errorCode, exitCode, options) {
  const result = await assertUnchanged(database, () => importByCli(database, file, options));
  assert.equal(result.last?.type, 'error', `it did not fail: ${JSON.stringify(result.last)}\n${result.stderr}`);
  assert.equal(result.last.errorCode, errorCode, JSON.stringify(result.last));
  assert.equal(result.code, exitCode, result.stderr);
  return result;
}
