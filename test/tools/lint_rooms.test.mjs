// tools/lint-rooms on copies of this repository, each with one violation planted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'lint-rooms-'));
after(() => fs.rmSync(copy, { recursive: true }));
for (const part of ['src', 'docs/architecture.md']) fs.cpSync(path.join(root, part), path.join(copy, part), { recursive: true });

function lint() {
  const { status, stdout } = spawnSync(path.join(root, 'tools/lint-rooms'), [copy], { encoding: 'utf8' });
  return { status, lines: stdout.split('\n') };
}
const before = new Set(lint().lines);

// The lint's output for files that are temporarily overwritten or created.
function plant(files) {
  const old = new Map();
  for (const [file, text] of Object.entries(files)) {
    const place = path.join(copy, file);
    old.set(place, fs.existsSync(place) ? fs.readFileSync(place) : null);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, typeof text === 'function' ? text(old.get(place).toString()) : text);
  }
  const { status, lines } = lint();
  for (const [place, text] of old) text === null ? fs.rmSync(place) : fs.writeFileSync(place, text);
  assert.equal(status, 1);
  return lines.filter((line) => !before.has(line) && !line.startsWith('lint-rooms:'));
}

const include = (header) => (text) => `#include "${header}"\n${text}`;

test('an include of a private header from outside its room', () => {
  assert.deepEqual(plant({ 'src/backup/plan/plan.c': include('archive/read/codec.h') }), [
    'src/backup/plan/plan.c:1: archive/read/codec.h is private to archive/read',
  ]);
});

test('a call that the table does not have', () => {
  assert.deepEqual(plant({ 'src/archive/toc/toc.c': include('pg/connection/connection.h') }), [
    'src/archive/toc/toc.c:1: archive/toc may not call pg/connection',
  ]);
});

test('a circle between two files', () => {
  assert.deepEqual(
    plant({
      'src/net/one.c': 'void\nnet_one(void)\n{\n  net_other();\n}\n',
      'src/net/other.c': 'void\nnet_other(void)\n{\n  net_one();\n}\n',
    }),
    ['circle: src/net/one.c, src/net/other.c'],
  );
});

test('a name in a comment, a text or a member is no call', () => {
  const one = 'void\nnet_one(void)\n{\n  /* net_other() */\n  say("net_other", x.net_other, x->net_other);\n}\n';
  const other = 'void\nnet_other(void)\n{\n  net_one();\n}\n';
  for (const [name, text] of [['one', one], ['other', other]]) fs.writeFileSync(path.join(copy, `src/net/${name}.c`), text);
  assert.deepEqual(lint().lines, [...before]);
  for (const name of ['one', 'other']) fs.rmSync(path.join(copy, `src/net/${name}.c`));
});

test('a room that the table does not have', () => {
  assert.deepEqual(plant({ 'src/attic/box.c': '' }), ['src/attic: no table in docs/architecture.md has this room']);
});

test('rows that are wrong', () => {
  const row = (text) => ({ 'docs/architecture.md': (old) => old.replace('\n| `config` |', `\n${text}\n| \`config\` |`) });
  assert.deepEqual(plant(row('| `cellar` | Dark. | – | base |')), ['docs/architecture.md: there is no room cellar']);
  assert.deepEqual(plant({ 'docs/architecture.md': (old) => old.replace('`redis.h` | base', '`redis.h`, `gone.h` | base') }), [
    'docs/architecture.md: redis has no gone.h',
  ]);
  assert.deepEqual(plant({ 'docs/architecture.md': (old) => old.replace('`redis.h` | base', '`redis.h` | base, attic') }), [
    'docs/architecture.md: redis may call attic, which is neither a room nor a floor',
  ]);
  assert.deepEqual(plant({ 'docs/architecture.md': (old) => old.replace('`config.h` | base', '`config.h` | base, redis') .replace('`redis.h` | base', '`redis.h` | base, config') }), [
    'docs/architecture.md: these rooms may call one another in a circle: config, redis',
  ]);
});

test('a room with more than three public headers', () => {
  const headers = (old) => old.replace('`reader.h`, `survey.h`', '`codec.h`, `copy_text.h`, `reader.h`, `survey.h`');
  assert.deepEqual(plant({ 'docs/architecture.md': headers }), [
    'docs/architecture.md: archive/read has 4 public headers; 3 at most',
  ]);
});
