// tools/lint-habits on copies of this repository, each with one violation planted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'lint-habits-'));
after(() => fs.rmSync(copy, { recursive: true }));
for (const part of ['src', 'docs/architecture.md', 'test/unit', 'test/fuzz', 'tools/lint'])
  fs.cpSync(path.join(root, part), path.join(copy, part), { recursive: true });

const lint = () => spawnSync(path.join(root, 'tools/lint-habits'), [copy], { encoding: 'utf8' });
const before = new Set(lint().stdout.split('\n'));

// The lint's output for a temporary file with these lines.
function plant(file, text) {
  const place = path.join(copy, file);
  fs.writeFileSync(place, text);
  const { status, stdout } = lint();
  fs.rmSync(place);
  const news = stdout.split('\n').filter((line) => !before.has(line) && !line.startsWith('lint-habits:'));
  assert.equal(status === 1, news.length > 0 || before.size > 1);
  return news;
}

test('a file of more than 500 lines', () => {
  assert.deepEqual(plant('src/net/long.c', '\n'.repeat(500)), []);
  assert.deepEqual(plant('src/net/long.c', '\n'.repeat(501)), ['src/net/long.c: 501 lines; 500 at most']);
});

test('long SQL in C', () => {
  const lines = (n) => `const char *sql =\n${Array(n).fill('  "SELECT 1 "').join('\n')};\n`;
  assert.deepEqual(plant('src/net/sql.c', lines(3)), []);
  assert.deepEqual(plant('src/net/sql.c', lines(4)), ['src/net/sql.c:2: SQL of more than three lines belongs into a .sql file']);
  assert.deepEqual(plant('src/net/sql.c', lines(4).replace('1', '%s')), []);
});

test('SQL that is not ASCII', () => {
  assert.deepEqual(plant('src/net/a.sql', "-- ä\nSELECT '••••••'\n"), []);
  assert.deepEqual(plant('src/net/a.sql', "SELECT 'ä'\n"), ['src/net/a.sql: not ASCII']);
});

test('a relation without its schema', () => {
  const good = `WITH found AS (SELECT 1 FROM public.users), other (a) AS MATERIALIZED (SELECT 2)
SELECT extract(epoch FROM created_at), 'FROM users' FROM found JOIN other ON a IS DISTINCT FROM b, unnest(c)
`;
  assert.deepEqual(plant('src/net/a.sql', good), []);
  assert.deepEqual(plant('src/net/a.sql', `${good}LEFT JOIN users ON true`), ['src/net/a.sql:3: users is not named by its schema']);
  assert.deepEqual(plant('src/net/a.c', 'f("UPDATE users SET a = 1");\n'), ['src/net/a.c:1: users is not named by its schema']);
});

test('a result that nobody looks at', () => {
  const call = (text) => `void\nf(void)\n{\n  ${text}\n}\n`;
  const said = 'src/net/a.c:4: the result of pg_connection_exec is not looked at; for an error that does not matter pass NULL';
  assert.deepEqual(plant('src/net/a.c', call('pg_connection_exec(connection, "a, b", error);')), [said]);
  assert.deepEqual(plant('src/net/a.c', call('pg_connection_exec(connection, "a, b", NULL);')), []);
  assert.deepEqual(plant('src/net/a.c', call('pg_connection_exec(connection, "a, b", &problem);')), []);
  assert.deepEqual(plant('src/net/a.c', call('return pg_connection_exec(connection, "a, b", error);')), []);
  assert.deepEqual(plant('src/net/a.c', call('if (pg_connection_exec(connection, g(1, 2), &error)) return;')), []);
});

test('a public header of the ground that no test includes', () => {
  const place = path.join(copy, 'docs/architecture.md'), old = fs.readFileSync(place, 'utf8');
  fs.writeFileSync(place, old.replace('`fetch.h`', '`fetch.h`, `new.h`'));
  assert.deepEqual(plant('src/net/new.h', '#pragma once\n'), ['src/net/new.h: no unit test includes it']);
  fs.writeFileSync(place, old);
});

test('a file of tools/lint that is not there', () => {
  const place = path.join(copy, 'tools/lint');
  fs.appendFileSync(place, '# src/net/gone.c\n');
  assert.deepEqual(plant('src/net/a.c', ''), ['tools/lint: there is no src/net/gone.c']);
});
