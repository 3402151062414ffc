// Archives of format 1.12 as pg_dump 9.x wrote them: no SEARCHPATH entry, names of an entry's own schema stand in its definition
// without that schema, and the tag of a part of a table is its bare name.

import { writeFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';

const int = (n) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = n < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(n), 1);
  return bytes;
};
const string = (text) => (text == null ? int(-1) : Buffer.concat([int(Buffer.byteLength(text)), Buffer.from(text)]));

const SECTIONS = { none: 1, pre: 2, data: 3, post: 4 };

// entries: { desc, tag, schema, section, defn, drop, copy, rows, owner, needs: [tag or "desc tag"] }, in order. `rows` is COPY text.
export function writeOldArchive(file, entries, { version = [1, 12, 0], compression = 6 } = {}) {
  const ids = new Map();
  entries.forEach((entry, i) => {
    ids.set(`${entry.desc} ${entry.tag}`, i + 1);
    if (!ids.has(entry.tag)) ids.set(entry.tag, i + 1);
  });
  const parts = [Buffer.from('PGDMP'), Buffer.from([...version, 4, 8, 1]), int(compression)];
  for (const field of [30, 20, 10, 14, 6, 116, 0]) parts.push(int(field)); // 2016-07-14 10:20:30
  parts.push(string('shop'), string('9.4.5'), string('9.4.5'), int(entries.length));
  entries.forEach((entry, i) => {
    const hasData = entry.rows != null;
    parts.push(int(i + 1), int(hasData ? 1 : 0), string('0'), string(String(20000 + i)), string(entry.tag), string(entry.desc));
    parts.push(int(SECTIONS[entry.section ?? 'pre']), string(entry.defn ?? ''), string(entry.drop ?? ''), string(entry.copy));
    parts.push(string(entry.schema), string(''), string(entry.owner ?? ''), string('false'));
    for (const need of entry.needs ?? []) parts.push(string(String(ids.get(need))));
    parts.push(string(null), Buffer.from([hasData ? 1 : 3]), Buffer.alloc(8));
  });
  entries.forEach((entry, i) => {
    if (entry.rows == null) return;
    const stream = deflateSync(Buffer.from(`${entry.rows}\\.\n\n\n`));
    parts.push(Buffer.from([1]), int(i + 1), int(stream.length), stream, int(0));
  });
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

// A shop of two schemas with everything whose names pg_dump 9.x left bare.
export const shopEntries = ({ extra = [] } = {}) => [
  { desc: 'ENCODING', tag: 'ENCODING', defn: "SET client_encoding = 'UTF8';\n" },
  { desc: 'STDSTRINGS', tag: 'STDSTRINGS', defn: "SET standard_conforming_strings = 'on';\n" },
  { desc: 'COMMENT', tag: 'DATABASE shop', section: 'none', defn: "COMMENT ON DATABASE shop IS 'of the shop';\n" },
  { desc: 'SCHEMA', tag: 'public', defn: 'CREATE SCHEMA public;\n', drop: 'DROP SCHEMA public;\n', owner: 'postgres' },
  { desc: 'COMMENT', tag: 'SCHEMA public', section: 'none', defn: "COMMENT ON SCHEMA public IS 'standard public schema';\n", needs: ['SCHEMA public'] },
  { desc: 'SCHEMA', tag: 'stock', defn: 'CREATE SCHEMA stock;\n', drop: 'DROP SCHEMA stock;\n', owner: 'postgres' },
  { desc: 'EXTENSION', tag: 'plpgsql', defn: 'CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;\n', drop: 'DROP EXTENSION plpgsql;\n' },
  { desc: 'COMMENT', tag: 'EXTENSION plpgsql', section: 'none', defn: "COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';\n", needs: ['EXTENSION plpgsql'] },
  { desc: 'TYPE', tag: 'ripeness', schema: 'public', defn: "CREATE TYPE ripeness AS ENUM (\n    'green',\n    'ripe'\n);\n", drop: 'DROP TYPE public.ripeness;\n' },
  {
    desc: 'FUNCTION', tag: 'short(text)', schema: 'public', drop: 'DROP FUNCTION public.short(t text);\n',
    defn: "CREATE FUNCTION short(t text) RETURNS text\n    LANGUAGE sql IMMUTABLE\n    AS $$SELECT left(t, 2)$$;\n",
  },
  {
    desc: 'TABLE', tag: 'fruit', schema: 'public', owner: 'postgres', drop: 'DROP TABLE public.fruit;\n', needs: ['TYPE ripeness'],
    defn: "CREATE TABLE fruit (\n    id integer NOT NULL,\n    name text,\n    state ripeness DEFAULT 'green'::ripeness,\n    CONSTRAINT fruit_check CHECK ((short(name) <> ''::text))\n);\n",
  },
  { desc: 'COMMENT', tag: 'TABLE fruit', schema: 'public', section: 'none', defn: "COMMENT ON TABLE fruit IS 'what is sold';\n", needs: ['TABLE fruit'] },
  { desc: 'SEQUENCE', tag: 'fruit_id_seq', schema: 'public', defn: 'CREATE SEQUENCE fruit_id_seq\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    NO MAXVALUE\n    CACHE 1;\n', drop: 'DROP SEQUENCE public.fruit_id_seq;\n', needs: ['TABLE fruit'] },
  { desc: 'SEQUENCE OWNED BY', tag: 'fruit_id_seq', schema: 'public', defn: 'ALTER SEQUENCE fruit_id_seq OWNED BY fruit.id;\n', needs: ['SEQUENCE fruit_id_seq', 'TABLE fruit'] },
  { desc: 'TABLE', tag: 'Box', schema: 'stock', drop: 'DROP TABLE stock."Box";\n', defn: 'CREATE TABLE "Box" (\n    id integer NOT NULL,\n    fruit integer\n);\n' },
  { desc: 'VIEW', tag: 'full', schema: 'stock', drop: 'DROP VIEW stock."full";\n', needs: ['TABLE Box', 'TABLE fruit'], defn: 'CREATE VIEW "full" AS\n SELECT b.id,\n    f.name\n   FROM ("Box" b\n     JOIN public.fruit f ON ((f.id = b.fruit)));\n' },
  { desc: 'DEFAULT', tag: 'id', schema: 'public', defn: "ALTER TABLE ONLY fruit ALTER COLUMN id SET DEFAULT nextval('fruit_id_seq'::regclass);\n", needs: ['SEQUENCE fruit_id_seq', 'TABLE fruit'] },
  { desc: 'TABLE DATA', tag: 'fruit', schema: 'public', section: 'data', copy: 'COPY fruit (id, name, state) FROM stdin;\n', rows: '1\tapple\tripe\n2\tpear\tgreen\n', needs: ['TABLE fruit'] },
  { desc: 'SEQUENCE SET', tag: 'fruit_id_seq', schema: 'public', section: 'data', defn: "SELECT pg_catalog.setval('fruit_id_seq', 7, true);\n", needs: ['SEQUENCE fruit_id_seq'] },
  { desc: 'TABLE DATA', tag: 'Box', schema: 'stock', section: 'data', copy: 'COPY "Box" (id, fruit) FROM stdin;\n', rows: '10\t1\n11\t2\n', needs: ['TABLE Box'] },
  { desc: 'CONSTRAINT', tag: 'fruit_pkey', schema: 'public', section: 'post', defn: 'ALTER TABLE ONLY fruit\n    ADD CONSTRAINT fruit_pkey PRIMARY KEY (id);\n', drop: 'ALTER TABLE ONLY public.fruit DROP CONSTRAINT fruit_pkey;\n', needs: ['TABLE fruit'] },
  { desc: 'CONSTRAINT', tag: 'Box_pkey', schema: 'stock', section: 'post', defn: 'ALTER TABLE ONLY "Box"\n    ADD CONSTRAINT "Box_pkey" PRIMARY KEY (id);\n', needs: ['TABLE Box'] },
  { desc: 'INDEX', tag: 'fruit_short', schema: 'public', section: 'post', defn: 'CREATE INDEX fruit_short ON fruit USING btree (short(name));\n', needs: ['TABLE fruit', 'FUNCTION short(text)'] },
  { desc: 'FK CONSTRAINT', tag: 'box_fruit', schema: 'stock', section: 'post', defn: 'ALTER TABLE ONLY "Box"\n    ADD CONSTRAINT box_fruit FOREIGN KEY (fruit) REFERENCES public.fruit(id);\n', needs: ['TABLE fruit', 'CONSTRAINT fruit_pkey', 'TABLE Box'] },
  { desc: 'ACL', tag: 'public', section: 'none', defn: 'REVOKE ALL ON SCHEMA public FROM PUBLIC;\nGRANT ALL ON SCHEMA public TO PUBLIC;\n', needs: ['SCHEMA public'] },
  { desc: 'ACL', tag: 'fruit', schema: 'public', section: 'none', defn: 'REVOKE ALL ON TABLE fruit FROM PUBLIC;\nGRANT SELECT ON TABLE fruit TO PUBLIC;\n', needs: ['TABLE fruit'] },
  ...extra,
];
