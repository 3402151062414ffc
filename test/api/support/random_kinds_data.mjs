// Kinds of random databases with difficult rows or storage. Each function returns SQL that creates everything in `schema`, the
// identifier of an existing schema.

import { identifier, literal, oddName, oddText } from './random.mjs';
import { inserts, ownTypes, randomColumn } from './random_types.mjs';

// Tables of any types, with values at their limits.
export function types(r, schema) {
  const { sql, types: own } = ownTypes(r, schema);
  const tables = r.times(2, 4, (n) => {
    const columns = r.times(3, 25, (i) => randomColumn(r, i, own));
    const table = `${schema}.typed_${n}`;
    return `CREATE TABLE ${table} (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')});
      ${inserts(r, table, columns, r.int(0, 40), r.pick([0, 0.2, 0.95]))}`;
  });
  return [sql, ...tables].join('\n');
}

// Names that must all be quoted.
export function names(r, schema) {
  let number = 0;
  const name = () => identifier(oddName(r, ++number));
  const space = name().replaceAll('\n', ' ');
  const tables = r.times(3, 6, () => {
    const where = r.pick([schema, space]);
    const table = `${where}.${name()}`;
    const [id, a, b] = [name(), name(), name()];
    const index = name();
    return `
      CREATE TABLE ${table} (${id} serial, ${a} text DEFAULT ${literal(oddText(r).slice(0, 200))}, ${b} integer,
        CONSTRAINT ${name()} PRIMARY KEY (${id}), CONSTRAINT ${name()} CHECK (${b} IS NULL OR ${b} > -1));
      CREATE INDEX ${index} ON ${table} (lower(${a})) WHERE ${b} > 0;
      COMMENT ON TABLE ${table} IS ${literal(oddText(r))};
      COMMENT ON COLUMN ${table}.${a} IS ${literal(oddText(r))};
      COMMENT ON INDEX ${where}.${index} IS ${literal(oddText(r))};
      INSERT INTO ${table} (${a}, ${b}) SELECT repeat('x', i), i FROM generate_series(1, ${r.int(1, 50)}) AS i;
      INSERT INTO ${table} (${a}) VALUES (${literal(oddText(r))});
      CREATE VIEW ${where}.${name()} AS SELECT ${a} AS ${name()}, ${b} FROM ${table};
      GRANT SELECT (${a}), UPDATE ON ${table} TO ${identifier('Reader "é"')};`;
  });
  return `
    CREATE SCHEMA ${space};
    COMMENT ON SCHEMA ${space} IS ${literal(oddText(r))};
    CREATE FUNCTION ${space}.${name()}(${name()} integer) RETURNS integer LANGUAGE sql AS ${literal('SELECT $1 -- \\ \' "\n')};
    CREATE TYPE ${space}.${name()} AS ENUM (${literal(oddName(r, 1).slice(0, 40))}, ${literal(oddName(r, 2).slice(0, 40))});
    CREATE SEQUENCE ${space}.${name()};
    ${tables.join('\n')}`;
}

// Large objects, TOAST, wide rows, tables without columns or rows, unlogged tables, dropped columns.
export function storage(r, schema) {
  const first = r.int(100_000, 400_000_000);
  const objects = r.times(2, 5, (i) => `
    SELECT lo_from_bytea(${first + i}, decode(repeat(md5('${i}'), ${r.pick([0, 1, 3000, 60_000])}), 'hex'));
    ${r.chance(0.5) ? `COMMENT ON LARGE OBJECT ${first + i} IS ${literal(oddText(r))};` : ''}
    ${r.chance(0.5) ? `GRANT SELECT ON LARGE OBJECT ${first + i} TO ${identifier('Reader "é"')};` : ''}
    ${r.chance(0.3) ? `ALTER LARGE OBJECT ${first + i} OWNER TO app_owner;` : ''}`);
  const wide = r.int(300, 1200);
  return `
    ${objects.join('\n')}
    CREATE TABLE ${schema}.referring (id integer PRIMARY KEY, object oid);
    INSERT INTO ${schema}.referring SELECT i, ${first} FROM generate_series(1, 10) AS i;
    CREATE TABLE ${schema}.big (id integer PRIMARY KEY, external text, extended text, plain text, bytes bytea);
    ALTER TABLE ${schema}.big ALTER external SET STORAGE EXTERNAL, ALTER plain SET STORAGE MAIN;
    INSERT INTO ${schema}.big SELECT i, repeat(md5(i::text), ${r.int(1, 30_000)}), repeat('ab\\', 200000), repeat(E'\\\\.\\n', 100),
      decode(repeat(md5(i::text), ${r.int(1, 10_000)}), 'hex') FROM generate_series(1, ${r.int(1, 8)}) AS i;
    CREATE TABLE ${schema}.wide (${Array.from({ length: wide }, (_, i) => `c${i} ${i % 7 ? 'integer' : 'text'}`).join(', ')});
    INSERT INTO ${schema}.wide (c0, c1, c${wide - 1}) SELECT repeat('x', i), i, NULL FROM generate_series(1, ${r.int(1, 30)}) AS i;
    CREATE TABLE ${schema}.no_columns ();
    INSERT INTO ${schema}.no_columns SELECT FROM generate_series(1, ${r.int(0, 20)});
    CREATE TABLE ${schema}.no_columns_any_more (a integer);
    INSERT INTO ${schema}.no_columns_any_more VALUES (1), (2);
    ALTER TABLE ${schema}.no_columns_any_more DROP a;
    CREATE TABLE ${schema}.empty (id bigint GENERATED ALWAYS AS IDENTITY, v text);
    CREATE UNLOGGED TABLE ${schema}.unlogged (id serial PRIMARY KEY, v text);
    INSERT INTO ${schema}.unlogged (v) SELECT 'v' || i FROM generate_series(1, ${r.int(0, 500)}) AS i;
    CREATE TABLE ${schema}.changed (a integer, gone text, b text);
    INSERT INTO ${schema}.changed SELECT i, 'gone', 'b' FROM generate_series(1, 100) AS i;
    ALTER TABLE ${schema}.changed DROP gone, ADD c integer DEFAULT 42 NOT NULL, ADD d timestamptz DEFAULT '2026-01-29 00:00:00+00';
    DELETE FROM ${schema}.changed WHERE a % 3 = 0;
    CREATE TABLE ${schema}.many_pages WITH (fillfactor = ${r.int(10, 100)}) AS
      SELECT i, md5(i::text) AS v, CASE WHEN i % 10 = 0 THEN i END AS n FROM generate_series(1, ${r.int(5000, 30_000)}) AS i;
    DELETE FROM ${schema}.many_pages WHERE i ${r.pick(['% 2 = 0', '< 3000', '> 3000'])};
    UPDATE ${schema}.many_pages SET v = v || 'u' WHERE i % 5 = 0;`;
}

// Foreign keys in cycles and to the same table, deferred or not validated.
export function constraints(r, schema) {
  const tables = r.times(3, 6, (i) => `${schema}.k${i}`);
  const rows = r.int(5, 60);
  const make = tables.map((table) => `
    CREATE TABLE ${table} (id integer ${r.pick(['PRIMARY KEY', 'PRIMARY KEY', 'UNIQUE NOT NULL', 'PRIMARY KEY DEFERRABLE INITIALLY DEFERRED', 'PRIMARY KEY'])},
      a integer, b integer, c integer, during int4range, name text,
      UNIQUE ${r.pick(['', 'NULLS NOT DISTINCT'])} (id, name), ${r.pick(['', 'CHECK (a > 0),', 'CHECK (a > 0) NO INHERIT,'])}
      CONSTRAINT ${table.slice(table.indexOf('.') + 1)}_apart EXCLUDE USING gist (c WITH =, during WITH &&) ${r.pick(['', 'WHERE (c > 2)', 'DEFERRABLE'])});
    INSERT INTO ${table} SELECT i, 1 + i % ${rows}, CASE WHEN i % 3 > 0 THEN 1 + (i * 7) % ${rows} END, i, int4range(i, i + 3), 'n' || i
      FROM generate_series(1, ${rows}) AS i;
    ALTER TABLE ${table} ADD CONSTRAINT not_checked CHECK (a < 3) NOT VALID;`);
  const deferred = (table) => make[tables.indexOf(table)].includes('PRIMARY KEY DEFERRABLE');
  const targets = tables.filter((table) => !deferred(table));
  const action = () => r.pick(['', 'ON DELETE CASCADE', 'ON DELETE SET NULL', 'ON UPDATE CASCADE ON DELETE RESTRICT', 'ON DELETE SET DEFAULT']);
  const keys = targets.length === 0 ? [] : r.times(tables.length, tables.length * 2, (i) => `
    ALTER TABLE ${r.pick(tables)} ADD CONSTRAINT fk_${i} FOREIGN KEY (${r.pick(['a', 'b'])}) REFERENCES ${r.pick(targets)} (id)
      ${r.pick(['', 'MATCH FULL'])} ${action()} ${r.pick(['', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED'])};`);
  // Always a cycle, a key to the table itself, and a key that the rows violate.
  const [one, two] = [tables[0], tables[1]];
  for (const table of [one, two]) make.push(`ALTER TABLE ${table} ADD UNIQUE (id);`);
  return `
    ${make.join('\n')}
    ${keys.join('\n')}
    ALTER TABLE ${one} ADD CONSTRAINT around FOREIGN KEY (a) REFERENCES ${two} (id);
    ALTER TABLE ${two} ADD CONSTRAINT around FOREIGN KEY (a) REFERENCES ${one} (id);
    ALTER TABLE ${one} ADD CONSTRAINT itself FOREIGN KEY (b) REFERENCES ${one} (id);
    CREATE TABLE ${schema}.orphans (id integer, parent integer);
    INSERT INTO ${schema}.orphans VALUES (1, -1), (2, NULL);
    ALTER TABLE ${schema}.orphans ADD FOREIGN KEY (parent) REFERENCES ${two} (id) NOT VALID;`;
}

// Partitions of every sort, also nested, and inheritance.
export function partitions(r, schema) {
  const hash = r.int(2, 4);
  return `
    CREATE TYPE ${schema}.shade AS ENUM ('light', 'dark', 'none');
    CREATE TABLE ${schema}.events (id bigint GENERATED BY DEFAULT AS IDENTITY, at date NOT NULL, kind ${schema}.shade, v text,
      twice bigint GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
    CREATE TABLE ${schema}.events_old PARTITION OF ${schema}.events FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
    CREATE TABLE ${schema}.events_new PARTITION OF ${schema}.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
    CREATE TABLE ${schema}.events_new_light PARTITION OF ${schema}.events_new FOR VALUES IN ('light');
    CREATE TABLE ${schema}.events_new_rest PARTITION OF ${schema}.events_new DEFAULT;
    ${r.chance(0.7) ? `CREATE TABLE ${schema}.events_default PARTITION OF ${schema}.events DEFAULT;` : `CREATE TABLE ${schema}.events_later PARTITION OF ${schema}.events FOR VALUES FROM ('2027-01-01') TO (MAXVALUE);`}
    CREATE INDEX ON ${schema}.events (v) ${r.pick(['', 'WHERE v IS NOT NULL', 'INCLUDE (kind)'])};
    CREATE INDEX events_only ON ONLY ${schema}.events (kind);
    CREATE FUNCTION ${schema}.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER on_all BEFORE INSERT ON ${schema}.events FOR EACH ROW EXECUTE FUNCTION ${schema}.nothing();
    INSERT INTO ${schema}.events (at, kind, v) SELECT '2025-06-01'::date + (i * 7) % 800, (ARRAY['light', 'dark', 'none'])[1 + i % 3]::${schema}.shade, 'v' || i
      FROM generate_series(1, ${r.int(1, 2000)}) AS i;
    CREATE TABLE ${schema}.hashed (id integer, kind ${schema}.shade, v text) PARTITION BY HASH (${r.pick(['id', 'kind', 'id, kind'])});
    ${Array.from({ length: hash }, (_, i) => `CREATE TABLE ${schema}.hashed_${i} PARTITION OF ${schema}.hashed FOR VALUES WITH (MODULUS ${hash}, REMAINDER ${i})
      ${r.pick(['', 'WITH (fillfactor = 50)'])};`).join('\n')}
    INSERT INTO ${schema}.hashed SELECT i, (ARRAY['light', 'dark', 'none'])[1 + i % 3]::${schema}.shade, md5(i::text) FROM generate_series(1, ${r.int(1, 3000)}) AS i;
    CREATE TABLE ${schema}.by_expression (a text, b integer) PARTITION BY LIST (lower(a));
    CREATE TABLE ${schema}.attached (gone integer, b integer, a text, CHECK (b > 0));
    ALTER TABLE ${schema}.attached DROP gone;
    INSERT INTO ${schema}.attached (a, b) SELECT 'X', i FROM generate_series(1, 20) AS i;
    ALTER TABLE ${schema}.by_expression ATTACH PARTITION ${schema}.attached FOR VALUES IN ('x');
    CREATE TABLE ${schema}.no_partitions (a integer) PARTITION BY RANGE (a);
    CREATE TABLE ${schema}.points_at (id bigint, at date, kind ${schema}.shade, FOREIGN KEY (id, at, kind) REFERENCES ${schema}.events);
    INSERT INTO ${schema}.points_at SELECT id, at, kind FROM ${schema}.events ORDER BY id LIMIT 5;
    CREATE TABLE ${schema}.parent (a integer DEFAULT 1, b text, CHECK (a > 0));
    CREATE TABLE ${schema}.other_parent (x integer, b text);
    CREATE TABLE ${schema}.child (c integer) INHERITS (${schema}.parent${r.chance(0.5) ? `, ${schema}.other_parent` : ''});
    CREATE TABLE ${schema}.grandchild (b text NOT NULL, d text) INHERITS (${schema}.child);
    ALTER TABLE ${schema}.child ALTER a SET DEFAULT 7;
    INSERT INTO ${schema}.parent VALUES (1, 'p'); INSERT INTO ${schema}.child (b, c) VALUES ('c', 3);
    INSERT INTO ${schema}.grandchild (b, d) SELECT 'g', 'd' || i FROM generate_series(1, ${r.int(0, 40)}) AS i;`;
}
