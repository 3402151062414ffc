// Kinds of random databases with difficult objects other than tables; see random_kinds_data.mjs.

import { identifier, literal, oddText } from './random.mjs';

const reader = identifier('Reader "é"');

// Indexes of every method, statistics, and settings of tables.
export function indexes(r, schema) {
  const table = `${schema}.indexed`;
  const possible = [
    '(a)', '(a DESC NULLS LAST, t)', '(lower(t))', '((a + b)) WHERE a > 10', '(t text_pattern_ops)', '(t COLLATE "C")', 'USING hash (t)',
    'USING gin (j)', 'USING gin (j jsonb_path_ops)', 'USING gin (v)', 'USING gin (l) WITH (fastupdate = off)', 'USING gin (t public.gin_trgm_ops)',
    'USING gist (p)', 'USING gist (during)', 'USING gist (v)', 'USING gist (t public.gist_trgm_ops (siglen = 32))', 'USING spgist (p)', 'USING spgist (t)',
    'USING brin (a)', 'USING brin (b int4_minmax_multi_ops) WITH (pages_per_range = 4)', 'USING brin (during)', '(a) INCLUDE (b, t)',
    '(date_part(\'year\', at AT TIME ZONE \'UTC\'))', '(a) WITH (fillfactor = 50, deduplicate_items = off)', '((j ->> \'a\')) WHERE j ? \'a\'',
  ];
  const chosen = r.some(possible, r.int(8, possible.length));
  return `
    CREATE TABLE ${table} (id integer NOT NULL, a integer, b integer, t text, j jsonb, v tsvector, p point, during int4range, l text[], at timestamptz)
      WITH (fillfactor = ${r.int(50, 100)}, autovacuum_enabled = ${r.pick(['on', 'off'])}, parallel_workers = 2);
    INSERT INTO ${table} SELECT i, i % 100, i % 7, md5(i::text), jsonb_build_object('a', i, 'l', ARRAY[i]), to_tsvector('simple', md5(i::text)),
      point(i, -i), int4range(i, i + 5), ARRAY['x', i::text], '2026-01-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, ${r.int(100, 3000)}) AS i;
    ${chosen.map((what, i) => `CREATE INDEX i${i} ON ${table} ${what};`).join('\n')}
    CREATE UNIQUE INDEX as_key ON ${table} (id);
    CREATE UNIQUE INDEX partly_unique ON ${table} (id, lower(t)) WHERE a > 5;
    ${r.chance(0.5) ? `ALTER TABLE ${table} REPLICA IDENTITY ${r.pick(['USING INDEX as_key', 'FULL', 'NOTHING'])};` : ''}
    ${r.chance(0.5) ? `CLUSTER ${table} USING as_key;` : ''}
    ALTER TABLE ${table} ALTER a SET STATISTICS ${r.int(0, 1000)}, ALTER t SET COMPRESSION ${r.pick(['pglz', 'default'])}, ALTER b SET (n_distinct = -0.5);
    ALTER INDEX ${schema}.${r.chance(0.5) ? 'as_key' : 'partly_unique'} SET (fillfactor = 70);
    CREATE INDEX on_expression ON ${table} ((a * 2), (b + 1));
    ALTER INDEX ${schema}.on_expression ALTER COLUMN 2 SET STATISTICS 500;
    CREATE STATISTICS ${schema}.together (${r.pick(['ndistinct', 'dependencies', 'mcv', 'ndistinct, dependencies'])}) ON a, b FROM ${table};
    CREATE STATISTICS ${schema}.of_expression ON (a + b), (lower(t)) FROM ${table};
    ALTER STATISTICS ${schema}.together SET STATISTICS ${r.int(1, 500)};
    COMMENT ON STATISTICS ${schema}.together IS ${literal(oddText(r))};`;
}

// Views on views, stored or not, and rules.
export function views(r, schema) {
  const relations = [`${schema}.base`];
  const make = r.times(4, 9, (i) => {
    const [from, other] = [r.pick(relations), r.pick(relations)];
    const name = `${schema}.v${i}`;
    const query = r.pick([
      `SELECT id, n, t FROM ${from} WHERE n > ${r.int(0, 5)}`,
      `SELECT x.id, y.n, x.t FROM ${from} AS x JOIN ${other} AS y USING (id)`,
      `SELECT min(id) AS id, n, string_agg(t, ',' ORDER BY id) AS t FROM ${from} GROUP BY n`,
      `SELECT id, (SELECT count(*)::integer FROM ${other}) AS n, t FROM ${from}`,
      `WITH RECURSIVE c (id, n, t) AS (SELECT 1, 0, 'x' UNION ALL SELECT id + 1, n, t FROM c WHERE id < 5) SELECT * FROM c UNION ALL SELECT id, n, t FROM ${from}`,
    ]);
    relations.push(name);
    if (r.chance(0.4)) {
      return `CREATE MATERIALIZED VIEW ${name} AS ${query} WITH ${r.chance(0.25) ? 'NO DATA; REFRESH MATERIALIZED VIEW' : 'DATA; ANALYZE'} ${name};
        CREATE INDEX ON ${name} (n);`;
    }
    return `CREATE VIEW ${name} ${r.pick(['', 'WITH (security_barrier)', 'WITH (security_invoker = true)'])} AS ${query};`;
  });
  return `
    CREATE TABLE ${schema}.base (id integer PRIMARY KEY, n integer, t text);
    INSERT INTO ${schema}.base SELECT i, i % 9, 't' || i FROM generate_series(1, ${r.int(0, 300)}) AS i;
    ${make.join('\n')}
    CREATE VIEW ${schema}.by_key AS SELECT id, n, t, count(*) FROM ${schema}.base GROUP BY id; -- needs the primary key
    CREATE VIEW ${schema}.on_by_key AS SELECT * FROM ${schema}.by_key WHERE n > 1;
    CREATE VIEW ${schema}.checked AS SELECT id, n, t FROM ${schema}.base WHERE n > 2 WITH ${r.pick(['LOCAL', 'CASCADED'])} CHECK OPTION;
    ALTER VIEW ${schema}.checked ALTER t SET DEFAULT 'from the view';
    CREATE MATERIALIZED VIEW ${schema}.never_filled AS SELECT * FROM ${r.pick(relations)} WITH NO DATA;
    CREATE FUNCTION ${schema}.counted() RETURNS bigint LANGUAGE sql STABLE AS ${literal(`SELECT count(*) FROM ${schema}.by_key`)};
    CREATE VIEW ${schema}.by_function AS SELECT ${schema}.counted() AS n;
    CREATE RULE instead AS ON INSERT TO ${schema}.by_function DO INSTEAD INSERT INTO ${schema}.base VALUES (-1, 1, 'rule');
    CREATE RULE also AS ON UPDATE TO ${schema}.base DO ALSO NOTIFY changed;
    CREATE TABLE ${schema}.ruled (id integer);
    INSERT INTO ${schema}.ruled VALUES (1), (2);
    CREATE RULE no_more AS ON INSERT TO ${schema}.ruled DO INSTEAD NOTHING; -- COPY knows no rules
    COMMENT ON VIEW ${schema}.by_key IS ${literal(oddText(r))};
    GRANT SELECT ON ${schema}.by_key TO ${reader};`;
}

// Functions, triggers, defaults, sequences and other code.
export function code(r, schema) {
  const direction = r.pick(['INCREMENT -3 MAXVALUE 100 MINVALUE -1000 START 50', 'AS smallint CYCLE', 'INCREMENT 10 CACHE 5', 'START 7']);
  const counter = literal(`${schema}.counter`);
  return `
    CREATE SEQUENCE ${schema}.counter ${direction};
    ${r.chance(0.5) ? `SELECT nextval(${counter}), nextval(${counter});` : ''}
    CREATE SEQUENCE ${schema}.set_not_called; SELECT setval(${literal(`${schema}.set_not_called`)}, ${r.int(1, 1000)}, ${r.pick(['true', 'false'])});
    CREATE FUNCTION ${schema}.label(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'L-' || n::text $$;
    CREATE FUNCTION ${schema}.next_label() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN ${schema}.label(nextval(${counter})); END $f$;
    CREATE FUNCTION ${schema}.standard(a integer, b integer DEFAULT 2, VARIADIC c integer[] DEFAULT '{}') RETURNS integer BEGIN ATOMIC SELECT a + b + cardinality(c); END;
    CREATE TABLE ${schema}.coded (
      always bigint GENERATED ALWAYS AS IDENTITY (START ${r.int(1, 100)} INCREMENT ${r.int(1, 9)}), by_default integer GENERATED BY DEFAULT AS IDENTITY,
      label text DEFAULT ${schema}.next_label(), other integer DEFAULT ${schema}.standard(1), made text GENERATED ALWAYS AS (${schema}.label(n)) STORED,
      n bigint, at timestamptz DEFAULT now(), changed integer DEFAULT 0);
    INSERT INTO ${schema}.coded (n) SELECT i FROM generate_series(1, ${r.int(0, 200)}) AS i;
    CREATE TABLE ${schema}.log (what text);
    CREATE FUNCTION ${schema}.write_log() RETURNS trigger LANGUAGE plpgsql AS $f$
      BEGIN INSERT INTO ${schema}.log VALUES (TG_NAME || ' ' || TG_OP); IF TG_LEVEL = 'ROW' THEN NEW.changed := 1; END IF; RETURN NEW; END $f$;
    CREATE TRIGGER each_row BEFORE INSERT OR UPDATE OF n ON ${schema}.coded FOR EACH ROW WHEN (new.n > 0) EXECUTE FUNCTION ${schema}.write_log();
    CREATE TRIGGER each_statement AFTER INSERT ON ${schema}.coded REFERENCING NEW TABLE AS added EXECUTE FUNCTION ${schema}.write_log();
    CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON ${schema}.coded DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${schema}.write_log();
    ALTER TABLE ${schema}.coded ${r.pick(['DISABLE TRIGGER each_row', 'ENABLE REPLICA TRIGGER each_row', 'ENABLE ALWAYS TRIGGER each_row', 'ENABLE TRIGGER each_row'])};
    CREATE PROCEDURE ${schema}.proceed(INOUT a text DEFAULT ${literal(oddText(r).slice(0, 100))}) LANGUAGE plpgsql AS $p$ BEGIN NULL; END $p$;
    CREATE AGGREGATE ${schema}.total (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', PARALLEL = SAFE);
    CREATE TYPE ${schema}.kelvin AS (t numeric);
    CREATE FUNCTION ${schema}.to_kelvin(numeric) RETURNS ${schema}.kelvin LANGUAGE sql IMMUTABLE AS ${literal(`SELECT ROW($1)::${schema}.kelvin`)};
    CREATE CAST (numeric AS ${schema}.kelvin) WITH FUNCTION ${schema}.to_kelvin(numeric) ${r.pick(['', 'AS ASSIGNMENT'])};
    CREATE FUNCTION ${schema}.warmer(${schema}.kelvin, ${schema}.kelvin) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).t > ($2).t';
    CREATE OPERATOR ${schema}.>>> (LEFTARG = ${schema}.kelvin, RIGHTARG = ${schema}.kelvin, FUNCTION = ${schema}.warmer);
    CREATE COLLATION ${schema}.plain (PROVIDER = icu, LOCALE = 'und', DETERMINISTIC = ${r.pick(['true', 'false'])});
    CREATE TEXT SEARCH DICTIONARY ${schema}.words (TEMPLATE = simple, STOPWORDS = english);
    CREATE TEXT SEARCH CONFIGURATION ${schema}.searched (COPY = simple);
    ALTER TEXT SEARCH CONFIGURATION ${schema}.searched ALTER MAPPING FOR asciiword WITH ${schema}.words;
    CREATE FUNCTION ${schema}.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RETURN; END';
    CREATE EVENT TRIGGER on_ddl_${schema.replace(/\W/g, '')} ON ${r.pick(['ddl_command_end', 'ddl_command_start', 'sql_drop'])} EXECUTE FUNCTION ${schema}.on_ddl();
    ALTER FUNCTION ${schema}.label(bigint) COST 7; ALTER FUNCTION ${schema}.next_label() SET search_path TO 'pg_catalog', 'odd "one"';
    COMMENT ON FUNCTION ${schema}.label(bigint) IS ${literal(oddText(r))};`;
}

// Row security, grants of every sort, owners, publications.
export function security(r, schema) {
  const tables = r.times(2, 4, (i) => `
    CREATE TABLE ${schema}.s${i} (id integer PRIMARY KEY, owner text DEFAULT current_user, secret text);
    INSERT INTO ${schema}.s${i} SELECT i, CASE WHEN i % 2 = 0 THEN 'app_owner' ELSE 'x' END, 's' || i FROM generate_series(1, ${r.int(1, 100)}) AS i;
    ALTER TABLE ${schema}.s${i} ENABLE ROW LEVEL SECURITY;
    ${r.chance(0.5) ? `ALTER TABLE ${schema}.s${i} FORCE ROW LEVEL SECURITY;` : ''}
    CREATE POLICY own ON ${schema}.s${i} ${r.pick(['', 'AS RESTRICTIVE'])} FOR ${r.pick(['ALL', 'SELECT', 'UPDATE'])} TO ${r.pick(['PUBLIC', reader, 'app_owner'])} USING (owner = current_user);
    CREATE POLICY "no ""more""" ON ${schema}.s${i} FOR INSERT WITH CHECK (id < 1000);
    ${r.chance(0.5) ? `ALTER TABLE ${schema}.s${i} OWNER TO app_owner;` : ''}
    GRANT ${r.pick(['SELECT', 'ALL', 'INSERT, UPDATE (secret)', 'SELECT (id)'])} ON ${schema}.s${i} TO ${r.pick([reader, 'PUBLIC', `${reader} WITH GRANT OPTION`])};
    ${r.chance(0.3) ? `REVOKE ALL ON ${schema}.s${i} FROM postgres;` : ''}`);
  const publication = `everything_${schema.replace(/\W/g, '')}`;
  return `
    ${tables.join('\n')}
    CREATE FUNCTION ${schema}.guarded() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
    REVOKE ALL ON FUNCTION ${schema}.guarded() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION ${schema}.guarded() TO ${reader};
    ALTER TABLE ${schema}.s0 OWNER TO postgres;
    CREATE SEQUENCE ${schema}.guarded_sequence OWNED BY ${schema}.s0.id;
    ALTER TABLE ${schema}.s0 OWNER TO app_owner;
    GRANT USAGE ON SEQUENCE ${schema}.guarded_sequence TO ${reader};
    GRANT USAGE ON SCHEMA ${schema} TO ${reader};
    CREATE TYPE ${schema}.guarded_type AS ENUM ('a'); REVOKE USAGE ON TYPE ${schema}.guarded_type FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT ON TABLES TO ${reader};
    ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA ${schema} GRANT USAGE ON SEQUENCES TO ${reader};
    CREATE PUBLICATION ${publication} ${r.pick(['FOR ALL TABLES', `FOR TABLE ${schema}.s0 (id, owner), ${schema}.s1 WHERE (id > 5)`, `FOR TABLES IN SCHEMA ${schema}`])}
      WITH (publish = '${r.pick(['insert', 'insert, update, delete', 'truncate'])}');
    COMMENT ON POLICY own ON ${schema}.s0 IS ${literal(oddText(r))};`;
}
