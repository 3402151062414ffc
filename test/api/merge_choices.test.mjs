// The choices of a merge: the treatment of existing rows (skip, update, fail), and the selected tables.

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { assertRefused, importByCli, importOk, keptReport, mergeReport, tableReport, warnings } from './support/product.mjs';
import { startPostgres } from './support/servers.mjs';
import { haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('merge-choices');
let n = 0;
const dumpFile = () => path.join(dir, `${++n}.dump`);
const update = { args: ['--on-conflict', 'update'] };
const fail = { args: ['--on-conflict=fail'] };
const only = (...tables) => ({ args: tables.flatMap((table) => ['--table', table]) });

describe('a merge by choice', { skip: !haveBinary && 'no binary' }, () => {
  let server;
  before(async () => {
    server = await startPostgres();
  });

  // A database made by `schema` and `sql`, and the archive of another one made by `schema` and `archiveSql`.
  async function pair(schema, archiveSql, sql) {
    const source = await Database.create(server);
    await source.exec(schema + archiveSql);
    const archive = await source.pgDump(dumpFile());
    const target = await Database.create(server);
    await target.exec(schema + sql);
    return { source, target, archive };
  }

  const all = 'SELECT t::text FROM t ORDER BY 1';

  describe('update', () => {
    test('gives rows that differ the archive\'s values, and rewrites no other', async () => {
      const { source, target, archive } = await pair(
        `CREATE TABLE t (id integer PRIMARY KEY, name text, j json, p point, x xml, n numeric, f double precision, a integer[]);`,
        `INSERT INTO t SELECT i, 'n' || i, '{"a": 1}', '(1,2)', '<a/>', i / 3.0, i / 7.0, ARRAY[i, NULL] FROM generate_series(1, 100) AS i;`,
        `INSERT INTO t SELECT i, 'n' || i, '{"a": 1}', '(1,2)', '<a/>', i / 3.0, i / 7.0, ARRAY[i, NULL] FROM generate_series(1, 60) AS i;
         UPDATE t SET name = 'live' WHERE id <= 5; UPDATE t SET j = '{"a":1}' WHERE id = 6; UPDATE t SET p = '(1,3)' WHERE id = 7;
         UPDATE t SET x = NULL WHERE id = 8; UPDATE t SET n = round(n, 2) WHERE id = 10; UPDATE t SET f = f + 1e-15 WHERE id = 60;
         INSERT INTO t (id, name) VALUES (500, 'only here');`,
      );
      const untouched = `SELECT id, xmin FROM t WHERE id BETWEEN 11 AND 59 OR id = 500 ORDER BY 1`;
      const was = await target.rows(untouched);
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [100, 40, 10, 50, 0]);
      assert.deepEqual(await target.rows(untouched), was);
      await target.exec('DELETE FROM t WHERE id = 500');
      assert.deepEqual(await target.rows(all), await source.rows(all));
      const again = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(again.last, 'public.t'), [100, 0, 0, 100, 0]);
    });

    test('of archived rows with one key the first counts, also if it is there as it is', async () => {
      const source = await Database.create(server);
      await source.exec(`CREATE TABLE t (id bigint NOT NULL, v text); INSERT INTO t VALUES (1, 'a'), (1, 'b'), (2, 'c'), (3, 'd');
        CREATE TABLE sparse (id bigint PRIMARY KEY, v text); INSERT INTO sparse SELECT i * 1000000007::bigint, i FROM generate_series(-3000, 3000) AS i`);
      const archive = await source.pgDump(dumpFile());
      const target = await Database.create(server);
      await target.exec(`CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'x');
        CREATE TABLE sparse (id bigint PRIMARY KEY, v text); INSERT INTO sparse SELECT i * 1000000007::bigint, i % 2990 FROM generate_series(-2998, 3005) AS i`);
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [4, 1, 1, 1, 1]);
      assert.deepEqual(await target.rows('SELECT id, v FROM t ORDER BY id'), [['1', 'a'], ['2', 'c'], ['3', 'd']]);
      assert.deepEqual(mergeReport(last, 'public.sparse'), [6001, 2, 20, 5979, 0]);
    });

    test('computes generated columns and sets identity columns', async () => {
      const { source, target, archive } = await pair(
        `CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED);
         CREATE TABLE u (k text NOT NULL UNIQUE, number integer GENERATED ALWAYS AS IDENTITY, v text);`,
        `INSERT INTO t (a) SELECT i FROM generate_series(1, 30) AS i; INSERT INTO u (k, v) VALUES ('a', 'archive'), ('b', 'archive');`,
        `INSERT INTO t (a) SELECT -i FROM generate_series(1, 10) AS i; INSERT INTO u (k, v) VALUES ('b', 'live'), ('c', 'live');`,
      );
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [30, 20, 10, 0, 0]);
      assert.deepEqual(await target.rows(all), await source.rows(all));
      assert.deepEqual(mergeReport(last, 'public.u'), [2, 1, 1, 0, 0]);
      assert.deepEqual(await target.rows('SELECT k, number, v FROM u ORDER BY 1'), [['a', '1', 'archive'], ['b', '2', 'archive'], ['c', '2', 'live']]);
      await assert.rejects(target.exec('UPDATE u SET number = 7'), /can only be updated to DEFAULT/);
    });

    test('reports rows that another unique key keeps out, and loses none silently', async () => {
      const { target, archive } = await pair(
        `CREATE TABLE t (id integer PRIMARY KEY, u text UNIQUE, r int4range, EXCLUDE USING gist (r WITH &&)); CREATE UNIQUE INDEX ON t (lower(u)) WHERE id > 0;`,
        `INSERT INTO t VALUES (1, 'a', '[1,2)'), (2, 'b', '[2,3)'), (3, 'c', '[3,4)'), (4, 'd', '[4,5)'), (5, 'E', '[5,6)');`,
        `INSERT INTO t VALUES (1, 'x', '[1,2)'), (12, 'b', NULL), (3, 'z', NULL), (13, 'c', NULL), (14, NULL, '[4,9)'), (15, 'e', NULL);`,
      );
      const { last, events } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [5, 0, 1, 0, 4]);
      assert.equal(last.exitCode, 1);
      assert.ok(warnings(events).some((text) => text.includes('public.t') && text.includes('id=2; id=3; id=4; id=5')), String(warnings(events)));
      assert.deepEqual(await target.rows('SELECT id, u FROM t ORDER BY 1'), [['1', 'a'], ['3', 'z'], ['12', 'b'], ['13', 'c'], ['14', null], ['15', 'e']]);
    });

    test('lets keys move along a chain of rows, and where they are checked late also in a circle', async () => {
      const rows = 300;
      const { source, target, archive } = await pair(
        `CREATE TABLE t (id integer PRIMARY KEY, u integer UNIQUE); CREATE TABLE late (id integer PRIMARY KEY, u integer UNIQUE DEFERRABLE);`,
        `INSERT INTO t SELECT i, i + 1 FROM generate_series(1, ${rows}) AS i; INSERT INTO late VALUES (1, 2), (2, 3), (3, 1);`,
        `INSERT INTO t SELECT i, i FROM generate_series(2, ${rows}) AS i; INSERT INTO late VALUES (1, 1), (2, 2), (3, 3);`,
      );
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [rows, 1, rows - 1, 0, 0]);
      assert.deepEqual(await target.rows(all), await source.rows(all));
      assert.deepEqual(mergeReport(last, 'public.late'), [3, 0, 3, 0, 0]);
    });

    test('sets only the columns that both have', async () => {
      const source = await Database.create(server);
      await source.exec(`CREATE TABLE t (id integer PRIMARY KEY, a text, gone text); INSERT INTO t VALUES (1, 'archive', 'x'), (2, 'archive', 'x');`);
      const archive = await source.pgDump(dumpFile());
      const target = await Database.create(server);
      await target.exec(`CREATE TABLE t (extra text DEFAULT 'default', id integer PRIMARY KEY, a text); INSERT INTO t VALUES ('mine', 1, 'live');`);
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [2, 1, 1, 0, 0]);
      assert.deepEqual(await target.rows('SELECT id, a, extra FROM t ORDER BY 1'), [['1', 'archive', 'mine'], ['2', 'archive', 'default']]);
    });

    test('adds to a table without a key what it lacks', async () => {
      const { target, archive } = await pair(
        `CREATE TABLE t (a integer, b text); CREATE TABLE nullable (u integer UNIQUE, v text);`,
        `INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, 'y'); INSERT INTO nullable VALUES (1, 'archive'), (NULL, 'archive'), (NULL, 'archive'), (3, 'same');`,
        `INSERT INTO t VALUES (1, 'x'), (2, 'z'); INSERT INTO nullable VALUES (1, 'live'), (NULL, 'archive'), (3, 'same');`,
      );
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [3, 2, 0, 1, 0]);
      assert.deepEqual(mergeReport(last, 'public.nullable'), [4, 1, 0, 2, 1]);
      assert.equal(last.exitCode, 1);
    });

    test('reaches partitions and leaves tables that inherit alone', async () => {
      const { source, target, archive } = await pair(
        `CREATE TABLE t (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
         CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (50); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (50) TO (200);
         CREATE TABLE base (id integer PRIMARY KEY, v text); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (base);`,
        `INSERT INTO t SELECT i, 'archive' FROM generate_series(1, 100) AS i; INSERT INTO base VALUES (1, 'archive'), (2, 'archive');`,
        `INSERT INTO t SELECT i, 'live' FROM generate_series(41, 60) AS i; INSERT INTO base VALUES (1, 'live'); INSERT INTO child VALUES (1, 'child'), (2, 'child');`,
      );
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t1'), [49, 40, 9, 0, 0]);
      assert.deepEqual(mergeReport(last, 'public.t2'), [51, 40, 11, 0, 0]);
      assert.deepEqual(await target.rows(all), await source.rows(all));
      assert.deepEqual(await target.rows('SELECT id, v FROM ONLY base ORDER BY 1'), [['1', 'archive'], ['2', 'archive']]);
      assert.deepEqual(await target.rows('SELECT id, v FROM child ORDER BY 1'), [['1', 'child'], ['2', 'child']]);
    });

    test('fires no trigger and no rule, and leaves them as enabled as they were', async () => {
      const { target, archive } = await pair(
        `CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE TABLE log (what text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (TG_OP); RETURN NEW; END $$;
         CREATE TRIGGER n BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
         CREATE RULE r AS ON UPDATE TO t WHERE NEW.v = 'archive' DO ALSO INSERT INTO log VALUES ('rule');`,
        `ALTER TABLE t DISABLE TRIGGER n; INSERT INTO t VALUES (1, 'archive'), (2, 'archive'); ALTER TABLE t ENABLE TRIGGER n;`,
        `ALTER TABLE t DISABLE TRIGGER n; INSERT INTO t VALUES (1, 'live'); ALTER TABLE t ENABLE ALWAYS TRIGGER n;`,
      );
      const states = `SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT rulename, ev_enabled::text FROM pg_rewrite WHERE ev_class = 't'::regclass`;
      const was = await target.rows(states);
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.t'), [2, 1, 1, 0, 0]);
      assert.equal(await target.count('log'), 0);
      assert.deepEqual(await target.rows(states), was);
    });

    test('keeps references between rows that move together', async () => {
      const { source, target, archive } = await pair(
        `CREATE TABLE p (id integer PRIMARY KEY, code text UNIQUE); CREATE TABLE t (id integer PRIMARY KEY, p integer REFERENCES p, code text REFERENCES p (code) ON UPDATE CASCADE);`,
        `INSERT INTO p VALUES (1, 'new'), (2, 'two'); INSERT INTO t VALUES (1, 1, 'new'), (2, 2, 'two');`,
        `INSERT INTO p VALUES (1, 'old'); INSERT INTO t VALUES (1, 1, 'old');`,
      );
      const { last } = await importOk(target, archive, update);
      assert.deepEqual(mergeReport(last, 'public.p'), [2, 1, 1, 0, 0]);
      assert.deepEqual(await target.rows(all), await source.rows(all));
    });
  });

  describe('fail', () => {
    test('names tables, counts and keys of rows that differ, and changes nothing', async () => {
      const { target, archive } = await pair(
        `CREATE TABLE a (id integer PRIMARY KEY, v text); CREATE TABLE b (secret text PRIMARY KEY, v text); CREATE TABLE c (id integer PRIMARY KEY, u text UNIQUE);`,
        `INSERT INTO a SELECT i, 'archive' FROM generate_series(1, 20) AS i; INSERT INTO b VALUES ('sk-hidden', 'archive'); INSERT INTO c VALUES (1, 'u');`,
        `INSERT INTO a SELECT i, CASE WHEN i > 3 THEN 'live' ELSE 'archive' END FROM generate_series(1, 10) AS i; INSERT INTO b VALUES ('sk-hidden', 'live'); INSERT INTO c VALUES (2, 'u');`,
      );
      const { last } = await assertRefused(target, archive, 'import.conflict', 7, fail);
      assert.match(last.message, /public\.a: 7 rows \(id=4; id=5; id=6; id=7; id=8\)/);
      assert.match(last.message, /public\.b: 1 rows \(secret=\.\.\.\)/);
      assert.doesNotMatch(last.message, /sk-hidden/);
    });

    test('sees rows that another unique key would keep out', async () => {
      const { target, archive } = await pair(
        `CREATE TABLE c (id integer PRIMARY KEY, u text UNIQUE);`, `INSERT INTO c VALUES (1, 'u'), (5, 'v');`, `INSERT INTO c VALUES (2, 'u');`);
      const { last } = await assertRefused(target, archive, 'import.conflict', 7, fail);
      assert.match(last.message, /public\.c: 1 rows \(id=1\)/);
    });

    test('adds what is missing when all that is there agrees', async () => {
      const { source, target, archive } = await pair(
        `CREATE TABLE t (id integer PRIMARY KEY, j json, u text UNIQUE);`,
        `INSERT INTO t SELECT i, '{"b": 1}', 'u' || i FROM generate_series(1, 50) AS i;`,
        `INSERT INTO t SELECT i, '{"b": 1}', 'u' || i FROM generate_series(1, 20) AS i;`,
      );
      const { last } = await importOk(target, archive, fail);
      assert.deepEqual(mergeReport(last, 'public.t'), [50, 30, 0, 20, 0]);
      assert.deepEqual(await target.rows(all), await source.rows(all));
    });
  });

  describe('of tables', () => {
    const hub = async (version) => {
      const database = await Database.create(server);
      await database.execFile(fixture(`hub-${version}.sql`));
      return database;
    };

    test('takes the rows of these only, and moves only their sequences', async () => {
      const source = await hub('v09');
      const archive = await source.pgDump(dumpFile());
      const target = await hub('v09');
      await target.exec('TRUNCATE users, providers, keys, message_request RESTART IDENTITY CASCADE');
      const { last } = await importOk(target, archive, only('users', 'public.providers'));
      assert.deepEqual(last.tables.map((table) => table.table).sort(), ['public.providers', 'public.users']);
      assert.equal(await target.count('users'), await source.count('users'));
      assert.equal(await target.count('keys'), 0);
      const last_value = (name) => `SELECT last_value, is_called FROM ${name}_id_seq`;
      assert.deepEqual(await target.rows(last_value('users')), await source.rows(last_value('users')));
      assert.deepEqual(await target.rows(last_value('keys')), [['1', 'f']]);
    });

    test('makes a table that is missing with all that belongs to it, and nothing else', async () => {
      const source = await Database.create(server);
      await source.exec(`
        CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('good', 'bad'); CREATE TYPE s.unused AS ENUM ('x');
        CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE FUNCTION s.unused() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE elsewhere (id integer PRIMARY KEY);
        CREATE TABLE s.t (id serial PRIMARY KEY, m s.mood DEFAULT 'good', u text UNIQUE, p integer REFERENCES parent, e integer REFERENCES elsewhere);
        CREATE TABLE back (t integer REFERENCES s.t); CREATE VIEW v AS SELECT * FROM s.t; CREATE INDEX i ON s.t (m);
        CREATE TRIGGER tr BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.touch(); COMMENT ON TABLE s.t IS 'said'; COMMENT ON COLUMN s.t.m IS 'said';
        INSERT INTO parent VALUES (1); INSERT INTO s.t (u, p) VALUES ('a', 1), ('b', NULL);`);
      const archive = await source.pgDump(dumpFile());
      const target = await Database.create(server);
      await target.exec('CREATE TABLE parent (id integer PRIMARY KEY); INSERT INTO parent VALUES (1)');
      const { last, events } = await importOk(target, archive, only('s.t'));
      assert.deepEqual(mergeReport(last, 's.t'), [2, 2, 0, 0, 0]);
      const relations = `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 's') ORDER BY 1::text`;
      assert.deepEqual((await target.rows(relations)).flat().sort(), ['parent', 'parent_pkey', 's.i', 's.t', 's.t_id_seq', 's.t_pkey', 's.t_u_key']);
      assert.deepEqual(await target.rows(`SELECT conname FROM pg_constraint WHERE conrelid = 's.t'::regclass ORDER BY 1`), [['t_p_fkey'], ['t_pkey'], ['t_u_key']]);
      assert.deepEqual(await target.rows(`SELECT obj_description('s.t'::regclass), col_description('s.t'::regclass, 2)`), [['said', 'said']]);
      assert.deepEqual(await target.rows(`SELECT typname FROM pg_type WHERE typtype = 'e'`), [['mood']]);
      assert.deepEqual(await target.rows(`SELECT proname FROM pg_proc WHERE pronamespace = 's'::regnamespace`), [['touch']]);
      assert.ok(warnings(events).some((text) => text.includes('elsewhere')), String(warnings(events)));
      await target.exec(`INSERT INTO s.t (u) VALUES ('c')`);
      assert.equal(await target.value('SELECT max(id) FROM s.t'), '3');
    });

    test('takes a partitioned table with its partitions, and a partition alone', async () => {
      const schema = `CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE other (id integer);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (200);`;
      const { archive } = await pair(schema, 'INSERT INTO p SELECT generate_series(1, 100); INSERT INTO other VALUES (1);', '');
      const whole = await Database.create(server);
      await importOk(whole, archive, only('p'));
      assert.equal(await whole.count('p'), 100);
      assert.equal(await whole.value(`SELECT to_regclass('other')`), null);
      const part = await Database.create(server);
      await importOk(part, archive, only('p1'));
      assert.equal(await part.count('p'), 49);
      assert.equal(await part.value(`SELECT to_regclass('p2')`), null);
    });

    test('refuses a name that the archive does not have, and says which there are', async () => {
      const { target, archive } = await pair('CREATE TABLE a (id integer); CREATE SCHEMA x; CREATE TABLE x.b (id integer);', '', '');
      const { last } = await assertRefused(target, archive, 'request.validation_failed', 3, only('a', 'users'));
      assert.match(last.message, /no table users; it has public\.a, x\.b/);
    });

    test('goes with update', async () => {
      const { target, archive } = await pair(
        'CREATE TABLE a (id integer PRIMARY KEY, v text); CREATE TABLE b (id integer PRIMARY KEY, v text);',
        `INSERT INTO a VALUES (1, 'archive'); INSERT INTO b VALUES (1, 'archive');`,
        `INSERT INTO a VALUES (1, 'live'); INSERT INTO b VALUES (1, 'live');`,
      );
      await importOk(target, archive, { args: ['--on-conflict', 'update', '--table', 'b'] });
      assert.deepEqual(await target.rows('SELECT a.v, b.v FROM a, b'), [['live', 'archive']]);
    });
  });

  test('counts rows whose key another row of the archive has, with a warning for each table, whatever the choice and key', async () => {
    const source = await Database.create(server);
    await source.exec(`
      CREATE TABLE one (id integer, v text); INSERT INTO one SELECT i % 40, 'v' || i FROM generate_series(1, 50) AS i;
      CREATE TABLE two (a integer, "B b" text, v text); INSERT INTO two VALUES (1, 'x', 'first'), (1, 'x', 'second'), (1, 'y', 'v'), (2, 'x', 'v'), (1, 'x', 'third');
      CREATE TABLE fine (id integer, v text); INSERT INTO fine VALUES (1, 'v'), (2, 'v')`);
    const archive = await source.pgDump(dumpFile());
    const keys = `CREATE TABLE one (id integer PRIMARY KEY, v text); CREATE TABLE two (a integer, "B b" text, v text, PRIMARY KEY ("B b", a)); CREATE TABLE fine (id integer PRIMARY KEY, v text);`;
    for (const [choice, rows, one, two] of [
      ['skip', '', [50, 40, 10], [5, 3, 2]],
      ['update', '', [50, 40, 10], [5, 3, 2]],
      ['skip', `INSERT INTO one VALUES (100, 'live'); INSERT INTO two VALUES (3, 'x', 'live')`, [50, 40, 10], [5, 3, 2]],
    ]) {
      const target = await Database.create(server);
      await target.exec(keys + rows);
      const { last, events } = await importOk(target, archive, { args: ['--on-conflict', choice], env: { LANG: 'C.UTF-8' } });
      const told = warnings(events).filter((text) => /key that another of its rows has|与其他行的键相同/.test(text));
      assert.deepEqual(told.map((text) => text.match(/public\.\w+/)[0] + text.match(/ (\d+) /)[1]).sort(), ['public.one10', 'public.two2'], told.join('\n'));
      assert.equal(last.exitCode, 1);
      assert.deepEqual([tableReport(last, 'public.one'), tableReport(last, 'public.two'), tableReport(last, 'public.fine')], [one, two, [2, 2, 0]], choice);
      assert.deepEqual([keptReport(last, 'public.one'), keptReport(last, 'public.two')], [[0, 0, 10], [0, 0, 2]]);
      assert.equal(await target.value(`SELECT v FROM two WHERE a = 1 AND "B b" = 'x'`), 'first');
      assert.equal(await target.value(`SELECT v FROM one WHERE id = 1`), 'v1');
    }
    const refused = await importByCli(await (async () => { const target = await Database.create(server); await target.exec(keys); return target; })(), archive, fail);
    assert.equal(refused.last.errorCode, 'import.conflict');
  });

  test('is not for overwriting', async () => {
    const { target, archive } = await pair('CREATE TABLE a (id integer);', '', '');
    for (const args of [['--on-conflict', 'update'], ['--table', 'a'], ['--on-conflict', 'never']]) {
      const { code, stderr } = await importByCli(target, archive, { overwrite: args[1] !== 'never', args });
      assert.equal(code, args[1] === 'never' ? 2 : 3, stderr);
    }
  });
});
