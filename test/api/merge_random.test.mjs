// Merges of random tables with every choice, against an oracle in plain SQL: a third database holds the archive's rows, and the
// live rows before and after the merge. MERGE_SEED and MERGE_RUNS change the seed and the number of runs.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { importByCli, mergeReport, previewByCli } from './support/product.mjs';
import { runOk } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('merge-random');
const seed = Number(process.env.MERGE_SEED ?? 20261124);
const runs = Number(process.env.MERGE_RUNS ?? 8);

// mulberry32
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Values from small sets, so that rows conflict; NULL where the column allows it.
const kinds = {
  integer: (pick) => String(pick(25)),
  text: (pick) => `'${['a', 'A', 'b', 'ü', '', '\\.', 'tab\t', "q''"][pick(8)]}${pick(3)}'`,
  uuid: (pick) => `'00000000-0000-0000-0000-0000000000${10 + pick(30)}'`,
  numeric: (pick) => ['1.0', '1.00', '2', '-0.5'][pick(4)],
  'double precision': (pick) => ['0', "'-0'", "'NaN'", '0.1', '1e300'][pick(5)],
  json: (pick) => `'${['{"a":1}', '{"a": 1}', '[]'][pick(3)]}'`,
  jsonb: (pick) => `'${['{"a":1}', '[1, 2]', '[]'][pick(3)]}'`,
  point: (pick) => `'(${pick(2)},1)'`,
  'integer[]': (pick) => ["'{1,NULL}'", "'{}'", "'[0:1]={1,2}'"][pick(3)],
  timestamptz: (pick) => `'2026-01-0${1 + pick(3)} 00:00Z'`,
  bytea: (pick) => `'\\x0${pick(3)}'`,
};

// { ddl, columns: [{ name, kind, nullable }], identity: names of the columns that identify rows, or [], keys: [{ columns, where }] }
function randomTable(pick) {
  const columns = [];
  const add = (name, kind, nullable) => columns.push({ name, kind, nullable });
  const definitions = [];
  const after = [];
  const keys = [];
  let identity = ['id'];
  switch (pick(7)) {
    case 0:
      add('id', 'integer');
      definitions.push('id integer PRIMARY KEY');
      break;
    case 1:
      add('id', 'integer');
      definitions.push('id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY');
      break;
    case 2:
      add('id', 'integer');
      add('Part 2', 'text');
      identity.push('Part 2');
      definitions.push('id integer', '"Part 2" text', 'PRIMARY KEY ("Part 2", id)');
      break;
    case 3:
      add('id', 'uuid');
      definitions.push('id uuid PRIMARY KEY DEFERRABLE INITIALLY DEFERRED');
      break;
    case 4:
      add('id', 'text');
      definitions.push('id text NOT NULL UNIQUE');
      break;
    case 5:
      add('id', 'integer', true);
      definitions.push('id integer UNIQUE');
      keys.push({ columns: ['id'] });
      identity = [];
      break;
    default:
      add('id', 'integer', true);
      definitions.push('id integer');
      identity = [];
  }
  const names = Object.keys(kinds);
  for (let i = 0, n = 1 + pick(4); i < n; i++) {
    const kind = names[pick(names.length)];
    add(`c${i}`, kind, pick(2) === 0);
    definitions.push(`c${i} ${kind}`);
  }
  if (pick(2) === 0) {
    add('u', 'integer', true);
    definitions.push(`u integer UNIQUE${pick(3) === 0 ? ' DEFERRABLE' : ''}`);
    keys.push({ columns: ['u'] });
  }
  if (pick(3) === 0) {
    add('v', 'text', true);
    add('w', 'integer', true);
    definitions.push('v text', 'w integer');
    after.push('CREATE UNIQUE INDEX ON t (lower(v), w) WHERE w > 3');
    keys.push({ columns: ['lower(v)', 'w'], where: 'w > 3' });
  }
  if (pick(3) === 0) definitions.push('g boolean GENERATED ALWAYS AS (c0 IS NULL) STORED');
  return { ddl: [`CREATE TABLE t (${definitions.join(', ')})`, ...after].join('; '), columns, identity, keys };
}

const quote = (name) => (/^[a-z]\w*$/.test(name) ? name : `"${name}"`);

function randomRow(table, pick) {
  return table.columns.map((column) => (column.nullable && pick(4) === 0 ? 'NULL' : kinds[column.kind](pick)));
}

// Inserts rows one by one; rows that the table's keys refuse are left out.
function inserts(table, rows) {
  const names = table.columns.map((column) => quote(column.name)).join(', ');
  return rows
    .map((row) => `BEGIN INSERT INTO t (${names}) OVERRIDING SYSTEM VALUE VALUES (${row.join(', ')}); SET CONSTRAINTS ALL IMMEDIATE; EXCEPTION WHEN unique_violation THEN NULL; END;`)
    .join('\n');
}

const fill = (table, rows) => `DO $do$ BEGIN ${inserts(table, rows)} END $do$;`;

describe(`random merges (seed ${seed})`, { skip: !haveBinary && 'no binary' }, () => {
  let server;
  before(async () => {
    server = await startPostgres();
  });

  // Copies the rows of `database` to the oracle's table `schema`.t.
  async function copyTo(oracle, schema, table, database) {
    const names = table.columns.map((column) => quote(column.name)).join(', ');
    const { stdout } = await runOk('psql', ['-X', '-q', '-c', `COPY t (${names}) TO STDOUT`], { env: database.env });
    const definitions = table.columns.map((column) => `${quote(column.name)} ${column.kind}`).join(', ');
    await oracle.exec(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t (${definitions});\nCOPY ${schema}.t FROM STDIN;\n${stdout}\\.\n`);
  }

  async function number(oracle, sql) {
    return Number(await oracle.value(sql));
  }

  const equalKeys = (table, a, b) => table.identity.map((name) => `${a}.${quote(name)} = ${b}.${quote(name)}`).join(' AND ');
  const samePlace = (a, b) => `${a}::text = ${b}::text`;
  // Whether a key other than the identity keeps rows a and b from being in the table together.
  const exclude = (table, a, b) =>
    table.keys
      .map((key) => {
        const of = (row) => (text) => text.replace(/\b([uvw]|id)\b/g, `${row}.$1`);
        const equal = key.columns.map((column) => `${of(a)(column)} = ${of(b)(column)}`).join(' AND ');
        return key.where ? `(${equal} AND ${of(a)(key.where)} AND ${of(b)(key.where)})` : `(${equal})`;
      })
      .join(' OR ') || 'false';

  async function checkWithIdentity(oracle, table, choice, report) {
    const [rows, inserted, updated, unchanged, skipped] = report;
    const key = (a, b) => equalKeys(table, a, b);
    const count = (sql) => number(oracle, `SELECT count(*) FROM ${sql}`);
    assert.equal(rows, await count('archive.t'));
    assert.equal(inserted + updated + unchanged + skipped, rows);
    // Every row after the import existed before or is the archive's; no row is lost.
    assert.equal(await count(`before.t b WHERE NOT EXISTS (SELECT FROM after.t a WHERE ${key('a', 'b')})`), 0, 'lost rows');
    assert.equal(inserted, await count(`after.t a WHERE NOT EXISTS (SELECT FROM before.t b WHERE ${key('a', 'b')})`));
    assert.equal(updated, await count(`after.t a JOIN before.t b ON ${key('a', 'b')} WHERE NOT (${samePlace('a', 'b')})`));
    const changed = `after.t a WHERE NOT EXISTS (SELECT FROM before.t b WHERE ${key('a', 'b')} AND ${samePlace('a', 'b')})`;
    assert.equal(await count(`${changed} AND NOT EXISTS (SELECT FROM archive.t r WHERE ${samePlace('a', 'r')})`), 0, 'rows from nowhere');
    // Archive rows that are missing now: with skip their identity or another key is taken, with update only another key.
    const absent = `archive.t r WHERE NOT EXISTS (SELECT FROM after.t a WHERE ${samePlace('a', 'r')})`;
    const byOther = `EXISTS (SELECT FROM after.t a WHERE NOT (${key('a', 'r')}) AND (${exclude(table, 'a', 'r')}))`;
    if (choice === 'skip') {
      assert.equal(unchanged + updated, 0);
      assert.equal(await count(`${absent} AND NOT (EXISTS (SELECT FROM after.t a WHERE ${key('a', 'r')}) OR ${byOther})`), 0, 'left out without a reason');
    } else {
      assert.equal(skipped, await count(absent));
      assert.equal(await count(`${absent} AND NOT (${byOther})`), 0, 'left out without a reason');
    }
  }

  async function checkMultiset(oracle, table, report) {
    const [rows, inserted, updated] = report;
    assert.equal(rows, await number(oracle, 'SELECT count(*) FROM archive.t'));
    assert.equal(updated, 0);
    const bags = ['before', 'archive', 'after'].map((name) => `(SELECT t::text AS r, count(*) AS n FROM ${name}.t GROUP BY 1) AS ${name}`);
    const all = `${bags[0]} FULL JOIN ${bags[1]} USING (r) FULL JOIN ${bags[2]} USING (r)`;
    const n = (name) => `coalesce(${name}.n, 0)`;
    assert.equal(await number(oracle, `SELECT sum(${n('after')} - ${n('before')}) FROM ${all}`), inserted);
    const wanted = `greatest(${n('before')}, ${n('archive')})`;
    assert.equal(await number(oracle, `SELECT count(*) FROM ${all} WHERE ${n('after')} NOT BETWEEN ${n('before')} AND ${wanted}`), 0);
    if (table.keys.length === 0) assert.equal(await number(oracle, `SELECT count(*) FROM ${all} WHERE ${n('after')} <> ${wanted}`), 0);
  }

  // Whether any row of the archive conflicts with a different live row.
  async function hasConflict(oracle, table) {
    if (table.identity.length === 0) return null;
    const sql = `SELECT count(*) FROM archive.t r JOIN before.t b ON (${equalKeys(table, 'r', 'b')} OR ${exclude(table, 'r', 'b')}) WHERE NOT (${samePlace('r', 'b')})`;
    return (await number(oracle, sql)) > 0;
  }

  for (let i = 0; i < runs; i++) {
    const choice = ['update', 'skip', 'update', 'fail'][i % 4];
    test(`run ${i}: ${choice}`, async () => {
      const random = generator(seed + i * 7919);
      const pick = (n) => Math.floor(random() * n);
      const table = randomTable(pick);
      const rows = Array.from({ length: 60 }, () => randomRow(table, pick));
      // With fail, in half of the runs the rows that both have are equal.
      const agree = choice === 'fail' && pick(2) === 0;
      const live = rows.filter(() => pick(2) === 0).map((row) => (agree ? row : row.map((value) => (pick(6) === 0 ? null : value))));
      for (const row of live) row.forEach((value, c) => { if (value === null) row[c] = randomRow(table, pick)[c]; });
      const ours = agree ? live : [...live, ...Array.from({ length: 15 }, () => randomRow(table, pick))];
      const [source, target, oracle] = [await Database.create(server), await Database.create(server), await Database.create(server)];
      await source.exec(`${table.ddl}; ${fill(table, agree ? [...live, ...rows] : rows)}`);
      await target.exec(`${table.ddl}; ${fill(table, ours)}`);
      const archive = await source.pgDump(path.join(dir, `${i}.dump`));
      await copyTo(oracle, 'archive', table, source);
      await copyTo(oracle, 'before', table, target);
      const args = ['--on-conflict', choice];
      const { preview } = await previewByCli(target, archive, { args });
      const { last } = await importByCli(target, archive, { args });
      await copyTo(oracle, 'after', table, target);
      const told = `${table.ddl}\n${JSON.stringify(last)}\n${JSON.stringify(preview)}`;
      try {
        const foretold = preview.tables[0].expected;
        const conflict = await hasConflict(oracle, table);
        if (choice === 'fail' && last.type === 'error') {
          assert.equal(last.errorCode, 'import.conflict');
          assert.notEqual(conflict, false);
          assert.equal(await number(oracle, `SELECT count(*) FROM ((TABLE before.t) EXCEPT ALL (TABLE after.t)) x`).catch(() => 0), 0);
          assert.equal(await number(oracle, 'SELECT count(*) FROM before.t'), await number(oracle, 'SELECT count(*) FROM after.t'));
          return;
        }
        assert.equal(last.type, 'complete');
        if (choice === 'fail') assert.notEqual(conflict, true);
        const report = mergeReport(last, 'public.t');
        await (table.identity.length > 0 ? checkWithIdentity(oracle, table, choice, report) : checkMultiset(oracle, table, report));
        if (choice === 'skip') {
          const [now, then] = [last.tables[0], preview.tables[0]];
          assert.deepEqual([now.equal, now.different, now.keyTaken], [then.identical, then.different, then.conflicting]);
        }
        // A preview cannot follow keys that pass from row to row: only then may it be too careful.
        const moves = table.keys.length > 0 && choice === 'update';
        if (!moves) assert.deepEqual([foretold.inserted, foretold.updated, foretold.unchanged, foretold.skipped], report.slice(1));
        else assert.ok(foretold.inserted + foretold.updated <= report[1] + report[2]);
      } catch (error) {
        error.message += `\n${told}`;
        throw error;
      }
      for (const database of [source, target, oracle]) await database.drop();
    });
  }
});
