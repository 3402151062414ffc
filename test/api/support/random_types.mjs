// Column types of PostgreSQL with values at their limits, as SQL expressions.

import { literal, oddText } from './random.mjs';

const quoted = (...values) => () => values.map((value) => `'${value}'`);
const any = (values) => (r) => r.pick(values(r));

const BUILT_IN = {
  boolean: any(quoted('t', 'f')),
  smallint: any(quoted('-32768', '32767', '0')),
  integer: any(quoted('-2147483648', '2147483647', '0', '42')),
  bigint: any(quoted('-9223372036854775808', '9223372036854775807', '-1')),
  numeric: any(() => ["'NaN'", "'Infinity'", "'-Infinity'", `'0.${'0'.repeat(200)}1'`, `'${'9'.repeat(500)}.${'9'.repeat(300)}'`, "'-0.10'", "'1e100'"]),
  'numeric(20,5)': any(quoted('NaN', '123456789012345.12345', '-0.00001', '0')),
  'numeric(4,-2)': any(quoted('123400', '-100', '0')),
  real: any(quoted('NaN', 'Infinity', '-Infinity', '1.17549435e-38', '3.4028235e38', '-0', '0.1', '1e-45')),
  'double precision': any(quoted('NaN', 'Infinity', '-Infinity', '5e-324', '1.7976931348623157e308', '-0', '0.1', '1e22', '123456789.12345678')),
  money: any(quoted('-92233720368547758.08', '92233720368547758.07', '0.01')),
  text: (r) => literal(oddText(r)),
  'character varying(5000)': (r) => literal(oddText(r).slice(0, 2000)),
  'character(7)': any(quoted('a', '', 'seven77', ' b')),
  name: any(quoted('n', 'Name')),
  '"char"': any(() => ["'a'", "'\\'", "''", "chr(127)::\"char\""]),
  bytea: (r) => r.pick(["''", "'\\x00ff5c0a2e'", "decode(repeat('00', 3000), 'hex')", `decode(md5('${r.int(0, 1e6)}'), 'hex')`]),
  uuid: any(quoted('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')),
  date: any(quoted('infinity', '-infinity', '4713-01-01 BC', '5874897-12-31', '2000-02-29', '0001-01-01 BC')),
  time: any(quoted('00:00:00', '24:00:00', '23:59:59.999999')),
  'time with time zone': any(quoted('00:00:00+15:59', '24:00:00-15:59', '12:00:00.5+00')),
  timestamp: any(quoted('infinity', '-infinity', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999', '2026-01-29 10:30:00.000001')),
  'timestamp with time zone': any(quoted('infinity', '-infinity', '4713-01-02 00:00:00+00 BC', '294276-12-30 00:00:00+00', '1890-01-01 00:00:00+00')),
  'timestamp(0) with time zone': any(quoted('2026-03-29 01:59:59+00', '2026-03-29 01:00:00+00')),
  interval: any(quoted('0', '-1 year 2 months -3 days 04:05:06.789', '178000000 years', '-178000000 years', '1 mon -1 day', '00:00:00.000001')),
  'interval hour to minute': any(quoted('12:34', '-99:59')),
  json: any(quoted('{}', '[]', 'null', '{"a": 1, "a": 2}', ' {"b" :  [1.0, 1.00, 1e400]} ', '"\\u00e9\\u0000"', '"\\\\."', '123456789012345678901234567890.10')),
  jsonb: any(quoted('{}', '[]', 'null', '{"z": 1, "a": {"b": [true, null, "x\\ty"]}}', '1e-300', '"\\\\."', '123456789012345678901234567890.10')),
  xml: any(() => ["'<a/>'", "'text & more'::text::xml", "'<a b=\"c\">\\.</a><d/>'", "''"].map((v) => (v.includes('&') ? "'text &amp; more'" : v))),
  inet: any(quoted('0.0.0.0', '::1', '10.1.2.3/8', 'fe80::1/64', '::ffff:1.2.3.4')),
  cidr: any(quoted('10.0.0.0/8', '::/0', '192.168.1.0/24')),
  macaddr: any(quoted('08:00:2b:01:02:03', '00:00:00:00:00:00')),
  macaddr8: any(quoted('08:00:2b:01:02:03:04:05')),
  'bit(5)': any(() => ["B'10101'", "B'00000'"]),
  'bit varying': any(() => ["B''", "B'1'", `B'${'01'.repeat(400)}'`]),
  point: any(quoted('(0,0)', '(-1e308,1e308)', '(NaN,Infinity)', '(0.1,-0)')),
  line: any(quoted('{1,-1,0}', '{0.1,2,3}')),
  lseg: any(quoted('[(0,0),(1,1)]')),
  box: any(quoted('(1,1),(0,0)', '(Infinity,1),(0,-Infinity)')),
  path: any(quoted('[(0,0),(1,1),(2,0)]', '((0,0),(1,1))')),
  polygon: any(quoted('((0,0),(1,1),(2,0))')),
  circle: any(quoted('<(0,0),1>', '<(1.5,-2.5),0>')),
  tsvector: any(quoted('', 'a:1A fat:2B,4C cat:5D', '\'\'it\'\'\'\'s\'\' \'\'back\\\\\\\\slash\'\'')),
  tsquery: any(quoted('a & b | !c', 'fat:AB <-> cat:*')),
  int4range: any(quoted('empty', '[1,10)', '(,5)', '(,)')),
  numrange: any(quoted('empty', '[0.1,0.2]', '(,)', '(1.5,2]')),
  tstzrange: any(quoted('["2026-01-01 00:00:00+00","2026-02-01 00:00:00+00")', '[-infinity,infinity]')),
  int4multirange: any(quoted('{}', '{[1,3),[5,7)}', '{(,)}')),
  datemultirange: any(quoted('{[2026-01-01,2026-02-01)}', '{}')),
  oid: any(quoted('0', '4294967295')),
  pg_lsn: any(quoted('0/0', 'FFFFFFFF/FFFFFFFF', '16/B374D848')),
  txid_snapshot: any(quoted('10:20:10,14,15')),
  regtype: any(quoted('integer', 'text[]')),
  'integer[]': any(quoted('{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[2:3]={1,2}', '[-1:0][5:5]={{1},{2}}')),
  'text[]': (r) => r.pick(["'{}'", `ARRAY[${literal(oddText(r))}, NULL, ${literal(oddText(r))}]`, `ARRAY['NULL', '', ' ', '{', '"', E'\\\\']`]),
  'jsonb[]': any(() => [`ARRAY['{"a": "b,c"}', NULL]::jsonb[]`]),
  'timestamp with time zone[]': any(() => ["ARRAY['infinity', '2026-01-29 10:30:00+00']::timestamptz[]"]),
  'character varying(5)[]': any(() => ["ARRAY['a,b', 'c\"d', '\\']"]),
};

// User-defined types in `schema`, and types of extensions: { sql, types }.
export function ownTypes(r, schema) {
  const labels = r.some(['new', 'Open', 'it\'\'s', 'x y', '名', '"', '\\'], r.int(2, 5));
  const sql = `
    CREATE TYPE ${schema}.mood AS ENUM (${labels.map((label) => `'${label}'`).join(', ')});
    ALTER TYPE ${schema}.mood ADD VALUE 'first' BEFORE '${labels[0]}';
    CREATE DOMAIN ${schema}.positive AS integer DEFAULT 1 CONSTRAINT above_zero CHECK (VALUE > 0);
    CREATE DOMAIN ${schema}.code AS text NOT NULL DEFAULT 'c' COLLATE "C" CHECK (VALUE ~ '^[a-z]+$');
    CREATE TYPE ${schema}.pair AS (left_part text, right_part numeric(10,2), moods ${schema}.mood[]);
    CREATE TYPE ${schema}.span AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = float8mi);
    CREATE DOMAIN ${schema}.pairs AS ${schema}.pair[];`;
  const mood = () => `'${r.pick(['first', ...labels])}'::${schema}.mood`;
  return {
    sql,
    types: {
      [`${schema}.mood`]: mood,
      [`${schema}.mood[]`]: () => `ARRAY[${mood()}, NULL, ${mood()}]`,
      [`${schema}.positive`]: () => String(r.int(1, 1e6)),
      [`${schema}.code`]: () => "'abc'",
      [`${schema}.pair`]: () => `ROW(${literal(oddText(r))}, ${r.int(0, 99999)}.25, ARRAY[${mood()}])::${schema}.pair`,
      [`${schema}.pairs`]: () => `ARRAY[ROW('a,"b', NULL, NULL), NULL]::${schema}.pair[]`,
      [`${schema}.span`]: () => r.pick(["'[0.1,5e-324]'", "'empty'", "'(,)'"]).replace('[0.1,5e-324]', '[5e-324,0.1]'),
      'public.hstore': () => `'"a b"=>"c\\"d", e=>NULL'`,
      'public.citext': () => literal(oddText(r)),
    },
  };
}

// { name, type, value(r) } of one column; `own` are the types of ownTypes.
export function randomColumn(r, index, own) {
  const types = { ...BUILT_IN, ...own };
  const type = r.pick(Object.keys(types));
  return { name: `c${index}`, type, value: types[type], isNeverNull: type.endsWith('.code') };
}

// INSERTs of `count` rows.
export function inserts(r, table, columns, count, nulls = 0.2) {
  const rows = Array.from({ length: count }, () =>
    `(${columns.map((column) => (!column.isNeverNull && r.chance(nulls) ? 'NULL' : column.value(r))).join(', ')})`);
  const lists = [];
  for (let at = 0; at < rows.length; at += 50) lists.push(rows.slice(at, at + 50));
  return lists.map((list) =>
    // A VALUES list would determine its types from the first row.
    list.map((row) => `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')}) VALUES ${row};`).join('\n')).join('\n');
}
