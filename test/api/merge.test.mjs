// Merging by row: all missing rows are added, existing rows are not lost or changed, and the counts are exact.
//
//   MERGE_ROWS=1000000   number of rows of the largest merge (default: fewer)

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { assertRefused, importOk, keptReport, tableReport } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('merge');
let n = 0;
const dumpFile = () => path.join(dir, `${++n}.dump`);

describe('a merge', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  const hubs = {};

  before(async () => {
    server = await startPostgres();
    for (const version of ['v05', 'v09']) {
      const database = await Database.create(server, { name: `hub_${version}` });
      await database.execFile(fixture(`hub-${version}.sql`));
      hubs[version] = { template: database.name, archive: await database.pgDump(dumpFile()) };
    }
  });

  const hub = (version) => Database.create(server, { template: hubs[version].template });

  // A database made by `sql`, and the archive of another one made by `archiveSql`.
  async function pair(archiveSql, sql) {
    const source = await Database.create(server);
    await source.exec(archiveSql);
    const archive = await source.pgDump(dumpFile());
    const target = await Database.create(server);
    await target.exec(sql);
    return { target, archive };
  }

  test('fills partly filled tables and keeps what is there, with exact counts', async () => {
    const target = await hub('v09');
    await target.exec(`
      ALTER TABLE message_request DISABLE TRIGGER USER;
      DELETE FROM message_request WHERE id % 3 = 0;
      UPDATE message_request SET model = 'live' WHERE id % 10 = 1;
      INSERT INTO message_request (id, provider_id, user_id, key, model) SELECT 100000 + i, 1, 1, 'k', 'new' FROM generate_series(1, 7) AS i;
      ALTER TABLE message_request ENABLE TRIGGER USER;
      DELETE FROM users WHERE id > 40;
      UPDATE users SET name = 'renamed' WHERE id = 5;`);
    const live = Number(await target.value(`SELECT count(*) FROM message_request WHERE model = 'live'`));
    const { last } = await importOk(target, hubs.v09.archive);
    assert.deepEqual(tableReport(last, 'public.message_request'), [3000, 1000, 2000]);
    assert.deepEqual(tableReport(last, 'public.users'), [50, 10, 40]);
    assert.deepEqual(keptReport(last, 'public.users'), [39, 1, 0]);
    assert.deepEqual(keptReport(last, 'public.message_request'), [2000 - live, live, 0]);
    assert.deepEqual(tableReport(last, 'public.keys'), [120, 0, 120]);
    assert.equal(await target.count('message_request'), 3007);
    assert.equal(await target.count(`message_request WHERE model = 'new'`), 7);
    assert.equal(await target.count(`message_request WHERE model = 'live'`), live);
    assert.equal(await target.value(`SELECT name FROM users WHERE id = 5`), 'renamed');
    assert.equal(await target.count('users'), 50);
    // The restored rows are the archive's.
    assert.deepEqual(
      await target.rows('SELECT md5(m::text) FROM message_request AS m WHERE id % 3 = 0 AND id < 3001 ORDER BY id'),
      await (await hub('v09')).rows('SELECT md5(m::text) FROM message_request AS m WHERE id % 3 = 0 ORDER BY id'),
    );
  });

  test('one row there does not keep the others out', async () => {
    const target = await hub('v05');
    await target.exec('DELETE FROM message_request WHERE id <> 1500');
    await importOk(target, hubs.v05.archive);
    assert.equal(await target.count('message_request'), 3000);
  });

  test('finds what is there by keys of any spelling, in more rows than it asks about at a time', async () => {
    const table = `CREATE TABLE t (note text, "Key, two" text, number numeric, at timestamptz, PRIMARY KEY (number, "Key, two"));`;
    const rows = `INSERT INTO t SELECT 'archive', E'a\\tb\\\\c\\n' || chr(8364) || i % 7, i / 10.0, 'epoch' FROM generate_series(1, 40000) AS i`;
    const { target, archive } = await pair(`${table} ${rows}`, `${table} ${rows}; UPDATE t SET note = 'live'; DELETE FROM t WHERE number * 10 % 5 IN (0, 1)`);
    const { last } = await importOk(target, archive);
    assert.deepEqual(tableReport(last, 'public.t'), [40000, 16000, 24000]);
    assert.deepEqual(keptReport(last, 'public.t'), [0, 24000, 0]);
    assert.deepEqual(keptReport((await importOk(target, archive)).last, 'public.t'), [16000, 24000, 0]);
    assert.deepEqual(
      await target.rows(`SELECT note, number * 10 % 5 IN (0, 1) AS was_missing, count(*) FROM t GROUP BY 1, 2 ORDER BY 1`),
      [['archive', 't', '16000'], ['live', 'f', '24000']],
    );
  });

  test('takes rows that are larger than what it asks about at a time, whether they are there or not', async () => {
    const table = 'CREATE TABLE t (id int PRIMARY KEY, text text);';
    const large = (id) => `(${id}, repeat('${id}', 6000000))`;
    const { target, archive } = await pair(
      `${table} INSERT INTO t VALUES (1, 'small'), ${large(2)}, (3, 'small'), ${large(4)}, ${large(5)}`,
      `${table} INSERT INTO t VALUES (1, 'live'), (2, 'live'), (5, 'live')`,
    );
    const { last } = await importOk(target, archive);
    assert.deepEqual(tableReport(last, 'public.t'), [5, 2, 3]);
    assert.deepEqual(keptReport(last, 'public.t'), [0, 3, 0]);
    assert.deepEqual(await target.rows('SELECT id, left(text, 5), length(text) FROM t ORDER BY id'), [
      ['1', 'live', '4'], ['2', 'live', '4'], ['3', 'small', '5'], ['4', '44444', '6000000'], ['5', 'live', '4'],
    ]);
  });

  test('tells rows that are there from rows with other values, however a value is written', async () => {
    const table = `CREATE TABLE t (id int PRIMARY KEY, at timestamptz, flag bool, n numeric, j jsonb, b bytea, c char(5), a text[], d text);`;
    const rows = `INSERT INTO t SELECT i, 'epoch', i % 2 = 0, i / 8.0, '{"a": 1}', 'x', 'ab', '{"q q",NULL}', CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN ', "(\\' END
      FROM generate_series(1, 100) AS i;`;
    const { target, archive } = await pair(`${table} ${rows}`,
      `${table} ${rows} UPDATE t SET d = NULL WHERE id = 3; UPDATE t SET n = n + 1 WHERE id = 1; DELETE FROM t WHERE id > 90`);
    await target.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''Asia/Shanghai''', current_database()); END $$`);
    const { last, events } = await importOk(target, archive);
    assert.deepEqual([...tableReport(last, 'public.t'), ...keptReport(last, 'public.t')], [100, 10, 90, 88, 2, 0]);
    assert.ok(events.some(({ message }) => /88 equal, 2 kept although different, 0 with a taken key|相同 88，不同而保留当前值 2，键被占用 0/.test(message)));
  });

  test('says that rows were not compared where the archive has a value that the table cannot have', async () => {
    const { target, archive } = await pair(`CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 70000), (3, 3)`,
      `CREATE TABLE t (id int PRIMARY KEY, n smallint); INSERT INTO t VALUES (1, 1), (2, 2)`);
    const { last, events } = await importOk(target, archive);
    assert.deepEqual([...tableReport(last, 'public.t'), ...keptReport(last, 'public.t')], [3, 1, 2, undefined, undefined, undefined]);
    assert.ok(events.some(({ message }) => /2 already there \(equal or not|未能比较是否相同/.test(message)));
  });

  test('tells rows apart as the key\'s own collation does', async () => {
    const collation = `CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);`;
    const table = `${collation} CREATE TABLE t (name text COLLATE any_case NOT NULL); CREATE UNIQUE INDEX ON t (name COLLATE "C");`;
    const { target, archive } = await pair(`${table} INSERT INTO t VALUES ('a'), ('B')`, `${table} INSERT INTO t VALUES ('A'), ('B')`);
    const { last } = await importOk(target, archive);
    assert.deepEqual(tableReport(last, 'public.t'), [2, 1, 1]);
    assert.deepEqual((await target.rows('SELECT name FROM t ORDER BY name COLLATE "C"')).flat(), ['A', 'B', 'a']);
  });

  test('does not fire user triggers, and leaves every trigger as enabled as it was', async () => {
    const source = await hub('v09');
    await source.exec('UPDATE usage_ledger SET cost_usd = 999');
    const archive = await source.pgDump(dumpFile());
    const target = await hub('v09');
    await target.exec(`
      TRUNCATE message_request, usage_ledger;
      CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fired'; END $$;
      CREATE TRIGGER always BEFORE INSERT ON message_request FOR EACH ROW EXECUTE FUNCTION spoil();
      ALTER TABLE message_request ENABLE ALWAYS TRIGGER always;
      CREATE TRIGGER replica BEFORE INSERT ON message_request FOR EACH ROW EXECUTE FUNCTION spoil();
      ALTER TABLE message_request ENABLE REPLICA TRIGGER replica;
      CREATE TRIGGER disabled BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION spoil();
      ALTER TABLE users DISABLE TRIGGER disabled;
      CREATE TRIGGER statement AFTER INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION spoil();
      CREATE RULE swallow AS ON INSERT TO error_rules DO INSTEAD NOTHING;
      DELETE FROM error_rules;`);
    const states = `SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2`;
    const rules = `SELECT rulename, ev_enabled FROM pg_rewrite WHERE ev_class = 'error_rules'::regclass`;
    const before = [await target.rows(states), await target.rows(rules)];
    await importOk(target, archive);
    assert.deepEqual([await target.rows(states), await target.rows(rules)], before);
    assert.equal(await target.count('message_request'), 3000);
    assert.equal(await target.count('error_rules'), 5);
    assert.equal(await target.count('usage_ledger WHERE cost_usd = 999'), 3000);
  });

  test('treats a table without a key as a multiset: merging twice adds nothing', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE bag (a integer, b text, j json, x xml, p point);
       INSERT INTO bag VALUES (1, 'x', '{}', '<a/>', '(1,2)'), (1, 'x', '{}', '<a/>', '(1,2)'), (1, 'x', '{}', '<a/>', '(1,2)'),
         (NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL), (2, '', NULL, NULL, NULL), (3, '\\.', NULL, NULL, NULL);`,
      `CREATE TABLE bag (a integer, b text, j json, x xml, p point);
       INSERT INTO bag VALUES (1, 'x', '{}', '<a/>', '(1,2)'), (NULL, NULL, NULL, NULL, NULL), (9, 'only here', NULL, NULL, NULL),
         (2, '', NULL, NULL, NULL), (2, '', NULL, NULL, NULL);`,
    );
    const { last } = await importOk(target, archive);
    assert.deepEqual(tableReport(last, 'public.bag'), [7, 4, 3]);
    const counts = `SELECT a, b, count(*) FROM bag GROUP BY 1, 2 ORDER BY 1, 2`;
    const expected = [['1', 'x', '3'], ['2', '', '2'], ['3', '\\.', '1'], ['9', 'only here', '1'], [null, null, '2']];
    assert.deepEqual(await target.rows(counts), expected);
    const again = await importOk(target, archive);
    assert.deepEqual(tableReport(again.last, 'public.bag'), [7, 0, 7]);
    assert.deepEqual(await target.rows(counts), expected);
  });

  test('skips a row that conflicts on another key than the primary one', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE t (id integer PRIMARY KEY, u text UNIQUE, d integer UNIQUE DEFERRABLE INITIALLY DEFERRED, r int4range, EXCLUDE USING gist (r WITH &&));
       INSERT INTO t VALUES (1, 'a', 1, '[1,5)'), (2, 'b', 2, '[5,9)'), (3, 'c', 3, '[10,20)'), (4, 'd', 4, '[30,40)'), (5, 'e', 5, '[50,60)');`,
      `CREATE TABLE t (id integer PRIMARY KEY, u text UNIQUE, d integer UNIQUE DEFERRABLE INITIALLY DEFERRED, r int4range, EXCLUDE USING gist (r WITH &&));
       INSERT INTO t VALUES (1, 'z', 11, '[100,101)'), (12, 'b', 12, '[102,103)'), (13, 'y', 3, '[104,105)'), (14, 'x', 14, '[35,36)');`,
    );
    const { last } = await importOk(target, archive);
    assert.deepEqual(tableReport(last, 'public.t'), [5, 1, 4]);
    assert.deepEqual(await target.rows('SELECT id FROM t ORDER BY 1'), [['1'], ['5'], ['12'], ['13'], ['14']]);
  });

  test('takes a v0.5 archive into a v0.9 database: the columns that both have, defaults for the rest', async () => {
    const target = await hub('v09');
    await target.exec('DELETE FROM users WHERE id > 10; DELETE FROM keys; TRUNCATE message_request, usage_ledger');
    await importOk(target, hubs.v05.archive);
    assert.equal(await target.count('users'), 50);
    assert.equal(await target.count(`users WHERE limit_5h_reset_mode = 'rolling' AND blocked_clients = '[]'`), 50);
    assert.equal(await target.count('keys'), 120);
    assert.equal(await target.count('message_request WHERE NOT is_replay'), 3000);
    assert.equal(await target.count('usage_ledger'), 3000);
    assert.equal(await target.count('drizzle.__drizzle_migrations'), 119);
  });

  test('takes a v0.9 archive into a v0.5 database: extra columns are left out, and said so', async () => {
    const target = await hub('v05');
    await target.exec('DELETE FROM users WHERE id > 10; TRUNCATE message_request');
    const columns = `SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 ORDER BY 1`;
    const before = await target.rows(columns);
    const { events } = await importOk(target, hubs.v09.archive);
    assert.equal(await target.count('users'), 50);
    assert.equal(await target.count('message_request'), 3000);
    assert.deepEqual(await target.rows(columns), before);
    assert.ok(events.some((event) => event.message?.includes('public.users') && event.message.includes('blocked_clients')));
    assert.equal(await target.count('drizzle.__drizzle_migrations'), 60);
  });

  test('never merges the record of which migrations a live hub has had', async () => {
    const target = await hub('v05');
    const before = await target.rows('SELECT * FROM drizzle.__drizzle_migrations ORDER BY id');
    await importOk(target, hubs.v09.archive);
    assert.deepEqual(await target.rows('SELECT * FROM drizzle.__drizzle_migrations ORDER BY id'), before);
  });

  test('refuses a table that needs a column which the archive does not have, and changes nothing', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE a (id serial PRIMARY KEY, v text); INSERT INTO a (v) VALUES ('x'), ('y');
       CREATE TABLE b (id serial PRIMARY KEY, v text); INSERT INTO b (v) VALUES ('x');`,
      `CREATE TABLE a (id serial PRIMARY KEY, v text);
       CREATE TABLE b (id serial PRIMARY KEY, v text, needed integer NOT NULL);`,
    );
    const { last } = await assertRefused(target, archive, 'import.incompatible', 7);
    assert.match(last.message, /public\.b/);
    assert.match(last.message, /needed/);
  });

  test('refuses values that the live column cannot take, and changes nothing', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE a (id integer PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x'), (2, 'too long for it');`,
      `CREATE TABLE a (id integer PRIMARY KEY, v varchar(5)); INSERT INTO a VALUES (3, 'y');`,
    );
    const { last } = await assertRefused(target, archive, 'database.query_failed', 7);
    assert.match(last.message, /public\.a/);
  });

  test('moves sequences only forward', async () => {
    const make = (ahead, behind, down) => `
      CREATE SEQUENCE ahead; SELECT setval('ahead', ${ahead}); CREATE SEQUENCE behind; SELECT setval('behind', ${behind});
      CREATE SEQUENCE down INCREMENT -1; SELECT setval('down', ${down}); CREATE SEQUENCE never; CREATE SEQUENCE called;
      CREATE TABLE t (id serial PRIMARY KEY, v text);`;
    const { target, archive } = await pair(
      make(10, 50, -50) + `INSERT INTO t (v) SELECT 'x' FROM generate_series(1, 20); SELECT setval('never', 1, false), setval('called', 1)`,
      make(99, 7, -7) + `SELECT setval('never', 1, true), setval('called', 1, false)`,
    );
    await importOk(target, archive);
    const values = await target.rows(`SELECT nextval('ahead'), nextval('behind'), nextval('down'), nextval('never'), nextval('called')`);
    assert.deepEqual(values, [['100', '51', '-51', '2', '2']]);
    await target.exec(`INSERT INTO t (v) VALUES ('next')`);
    assert.equal(await target.value('SELECT max(id) FROM t'), '21');
  });

  test('moves sequences past the rows that came in, whatever the archive calls them', async () => {
    const make = (serial, identity) => `
      CREATE SEQUENCE ${serial}; CREATE TABLE t (id bigint PRIMARY KEY DEFAULT nextval('${serial}'), v text);
      CREATE TABLE u (id bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME ${identity}) PRIMARY KEY, v text);
      CREATE SEQUENCE ${serial}_small MAXVALUE 100; CREATE TABLE s (id bigint PRIMARY KEY DEFAULT nextval('${serial}_small'));
      CREATE SEQUENCE ${serial}_down INCREMENT -1; CREATE TABLE d (id integer PRIMARY KEY DEFAULT nextval('${serial}_down'));`;
    const { target, archive } = await pair(
      make('old', 'old_u') + `INSERT INTO t (v) SELECT 'x' FROM generate_series(1, 20); INSERT INTO u (v) SELECT 'x' FROM generate_series(1, 5);
        INSERT INTO s VALUES (7), (5000000000); INSERT INTO d VALUES (-9);`,
      make('new', 'new_u') + `INSERT INTO u VALUES (900, 'live'); SELECT setval('new_u', 900);`,
    );
    await importOk(target, archive);
    assert.deepEqual(await target.rows(`SELECT nextval('new'), nextval('new_u'), nextval('new_small'), nextval('new_down')`), [['21', '901', '8', '-10']]);
  });

  test('that fails leaves even sequences as they were', async () => {
    const { target, archive } = await pair(
      `CREATE TABLE a (id serial PRIMARY KEY, v text); INSERT INTO a (v) SELECT 'x' FROM generate_series(1, 100);
       CREATE TABLE z (id serial PRIMARY KEY, v text); INSERT INTO z (v) VALUES ('bad');`,
      `CREATE TABLE a (id serial PRIMARY KEY, v text);
       CREATE TABLE z (id serial PRIMARY KEY, v text CHECK (v <> 'bad'));`,
    );
    await assertRefused(target, archive, 'database.query_failed', 7);
    assert.equal(await target.value(`SELECT nextval('a_id_seq')`), '1');
  });

  test('puts parents before children, also in a cycle and against the names\' order', async () => {
    const schema = `
      CREATE TABLE z_parent (id integer PRIMARY KEY, child integer);
      CREATE TABLE a_child (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES z_parent);
      ALTER TABLE z_parent ADD FOREIGN KEY (child) REFERENCES a_child;
      CREATE TABLE m_self (id integer PRIMARY KEY, up integer REFERENCES m_self);
      CREATE TABLE b_leaf (id integer PRIMARY KEY REFERENCES a_child, s integer REFERENCES m_self ON DELETE CASCADE);`;
    const { target, archive } = await pair(
      schema + `
      INSERT INTO z_parent SELECT i FROM generate_series(1, 100) AS i; INSERT INTO a_child SELECT i, i FROM generate_series(1, 100) AS i;
      UPDATE z_parent SET child = 101 - id; INSERT INTO m_self SELECT i, NULLIF(101 - i, i) FROM generate_series(1, 100) AS i;
      INSERT INTO b_leaf SELECT i, i FROM generate_series(1, 100) AS i;`,
      schema + `INSERT INTO z_parent VALUES (50, NULL); INSERT INTO a_child VALUES (50, 50); INSERT INTO m_self VALUES (7, NULL);`,
    );
    const constraints = `SELECT conname, condeferrable, condeferred, convalidated FROM pg_constraint WHERE contype = 'f' ORDER BY 1`;
    const before = await target.rows(constraints);
    await importOk(target, archive);
    for (const table of ['z_parent', 'a_child', 'm_self', 'b_leaf']) assert.equal(await target.count(table), 100, table);
    assert.deepEqual(await target.rows(constraints), before);
    await assert.rejects(target.exec('INSERT INTO a_child VALUES (1000, 1000)'), /foreign key/);
  });

  test('that would leave a row without its parent fails, and changes nothing', async () => {
    const schema = `CREATE TABLE p (id integer PRIMARY KEY, u text UNIQUE); CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p);`;
    const { target, archive } = await pair(
      schema + `INSERT INTO p VALUES (1, 'same'); INSERT INTO c VALUES (1, 1);`,
      schema + `INSERT INTO p VALUES (2, 'same');`,
    );
    const { last } = await assertRefused(target, archive, 'database.query_failed', 7);
    assert.match(last.message, /public\.c/);
  });

  test('fills identity and generated columns as they were', async () => {
    const schema = `CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED);`;
    const { target, archive } = await pair(
      schema + 'INSERT INTO t (a) SELECT i FROM generate_series(1, 30) AS i',
      schema + 'INSERT INTO t (a) SELECT i FROM generate_series(1, 10) AS i',
    );
    await importOk(target, archive);
    assert.deepEqual(await target.rows('SELECT count(*), sum(id), sum(twice) FROM t'), [['30', '465', '930']]);
    await target.exec('INSERT INTO t (a) VALUES (0)');
    assert.equal(await target.value('SELECT max(id) FROM t'), '31');
  });

  test('fills partitions through whichever partitions the live table has', async () => {
    const rows = `INSERT INTO p SELECT i FROM generate_series(1, 100) AS i`;
    const { target, archive } = await pair(
      `CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY RANGE (id);
       CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (200); ${rows}`,
      `CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY RANGE (id);
       CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (200);
       INSERT INTO p VALUES (1), (60), (150);`,
    );
    await importOk(target, archive);
    assert.equal(await target.count('p'), 101);
  });

  test('with skipLogs leaves the live request log alone', async () => {
    const target = await hub('v05');
    await target.exec('DELETE FROM message_request WHERE id > 100; DELETE FROM users WHERE id > 40');
    const { last } = await importOk(target, hubs.v05.archive, { skipLogs: true });
    assert.equal(await target.count('message_request'), 100);
    assert.equal(await target.count('users'), 50);
    assert.equal(tableReport(last, 'public.message_request'), null);
  });

  test('keeps large objects that are there and adds those that are not', async () => {
    const { target, archive } = await pair(
      `SELECT lo_from_bytea(800001, 'archive'), lo_from_bytea(800002, 'archive'), lo_create(800003)`,
      `SELECT lo_from_bytea(800001, 'live')`,
    );
    await importOk(target, archive);
    assert.deepEqual(
      await target.rows(`SELECT oid, convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata ORDER BY 1`),
      [['800001', 'live'], ['800002', 'archive'], ['800003', '']],
    );
  });

  test('of many rows onto a partly filled request log is exact', async () => {
    const dropped = ['blocked_by', 'cursor', 'deleted_at', 'endpoint', 'key', 'provider_id', 'session_id', 'session_id_prefix', 'session_seq',
      'user_date_cost', 'user_id'].map((name) => `idx_message_request_${name}`);
    const rows = Number(process.env.MERGE_ROWS ?? 200_000);
    const source = await hub('v05');
    // Most of the time would be spent on indexes, which do not matter for a merge.
    const fewerIndexes = `TRUNCATE message_request; DROP INDEX ${dropped.join(', ')};`;
    await source.exec(`
      ${fewerIndexes}
      INSERT INTO message_request (id, provider_id, user_id, key, model, session_id, created_at, cost_usd)
      SELECT i, i % 20, i % 50, 'sk-' || i % 120, 'model-' || i % 200, 'session-' || i % 1000, '2026-01-10Z'::timestamptz + i * interval '1 second', i / 1000000.0
      FROM generate_series(1, ${rows}) AS i;
      SELECT setval('message_request_id_seq', ${rows});`);
    const archive = await source.pgDump(dumpFile(), '-Z1');
    const target = await hub('v05');
    await target.exec(`
      ${fewerIndexes}
      INSERT INTO message_request (id, provider_id, user_id, key, model) SELECT i, 0, 0, 'live', 'live' FROM generate_series(1, ${rows}, 4) AS i;
      INSERT INTO message_request (id, provider_id, user_id, key, model) VALUES (${rows} + 5, 0, 0, 'live', 'newest');
      SELECT setval('message_request_id_seq', ${rows} + 5);`);
    const started = Date.now();
    const { last } = await importOk(target, archive, { timeoutMs: 300_000 });
    assert.deepEqual(tableReport(last, 'public.message_request'), [rows, rows * 0.75, rows * 0.25]);
    assert.deepEqual(
      await target.rows(`SELECT count(*), count(*) FILTER (WHERE model = 'live'), max(id), sum(id::bigint) FROM message_request`),
      [[String(rows + 1), String(rows / 4), String(rows + 5), String((rows * (rows + 1)) / 2 + rows + 5)]],
    );
    assert.equal(await target.value(`SELECT nextval('message_request_id_seq')`), String(rows + 6));
    assert.ok(Date.now() - started < 240_000, 'it took too long');
  });
});
