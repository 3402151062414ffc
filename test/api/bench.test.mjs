// The benchmark itself: with a few rows it completes unless a result is wrong. The benchmark of price tables, whose size does not
// depend on the database's, would take too long here.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './support/run.mjs';
import { haveBinary, isSanitized } from './support/service.mjs';

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), '../bench/run.mjs');
const skip = (!haveBinary && 'no binary') || (isSanitized && 'what is measured is the shipped binary');

test('make bench fills a table for each part', { skip }, async () => {
  const { code, stdout, stderr } = await run('node', [script, '--size', 'small', '--runs', '1', '--part', 'export,import,batch'], { timeoutMs: 300_000 });
  assert.equal(code, 0, stderr);
  for (const [part, reference] of [['export', 'pg_dump -Fc'], ['import', 'pg_restore']]) {
    const section = stdout.slice(stdout.indexOf(`## ${part}`));
    const row = section.split('\n').find((line) => line.startsWith(`| ${reference} |`));
    assert.match(row ?? section, /\| \d+(\.\d+)? s \| 1\.00 \|/);
    assert.match(section, /\| [^|]+, HTTP \| \d/);
  }
  const batches = stdout.slice(stdout.indexOf('## batch'));
  for (const entity of ['users', 'keys', 'providers']) assert.match(batches, new RegExp(`\\| 500 ${entity} \\| [\\d.]+ ms \\| [\\d.]+ ms \\| \\d`));
});
