// Reads the table of contents of an archive in custom format, to damage it at chosen positions, and creates archives whose import
// takes as long as a test needs.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Database } from './database.mjs';

// { entries: [{ start, end, dumpId, desc, tag }], tocEnd, blocks: [{ start, end }] }: byte positions in the file.
export function readArchive(file) {
  const bytes = readFileSync(file);
  const minor = bytes[6];
  const intSize = bytes[8];
  const offsetSize = bytes[9];
  let at = 11;
  const int = () => {
    const value = bytes.readUIntLE(at + 1, intSize);
    const negative = bytes[at] !== 0;
    at += 1 + intSize;
    return negative ? -value : value;
  };
  const string = () => {
    const length = int();
    if (length < 0) return null;
    at += length;
    return bytes.toString('latin1', at - length, at);
  };
  if (minor >= 15) at += 1;
  else int();
  for (let i = 0; i < 7; i++) int();
  for (let i = 0; i < 3; i++) string();
  const entries = [];
  for (let n = int(); n > 0; n--) {
    const entry = { start: at, dumpId: int() };
    int();
    string();
    string();
    entry.tag = string();
    entry.desc = string();
    int();
    for (let i = 0; i < 5; i++) string(); // defn, dropStmt, copyStmt, namespace, tablespace
    if (minor >= 14) string();
    if (minor >= 16) int();
    string();
    string();
    while (string() !== null);
    at += 1 + offsetSize;
    entries.push({ ...entry, end: at });
  }
  const tocEnd = at;
  const blocks = [];
  while (at < bytes.length) {
    const block = { start: at, type: bytes[at] };
    at += 1;
    int();
    const chunks = () => {
      for (let length; (length = int()) !== 0; ) at += length;
    };
    if (block.type === 1) chunks();
    else while (int() !== 0) chunks();
    blocks.push({ ...block, end: at });
  }
  return { bytes, entries, tocEnd, blocks };
}

// An archive of `rows` rows whose restore sleeps `ms` for each row: while the rows are loaded (a CHECK constraint), or while
// an index is built on them.
export async function slowArchive(server, directory, { phase, rows = 400, ms = 50 }) {
  const source = await Database.create(server);
  await source.exec(`
    CREATE FUNCTION slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$;
    CREATE TABLE a_first (id serial PRIMARY KEY, v text);
    INSERT INTO a_first (v) SELECT 'x' FROM generate_series(1, 100);
    CREATE TABLE slow_table (id integer);
    INSERT INTO slow_table SELECT i FROM generate_series(1, ${rows}) AS i;
    ${phase === 'data' ? 'ALTER TABLE slow_table ADD CHECK (slow(id) = 1);' : 'CREATE INDEX slow_index ON slow_table (slow(id));'}
    CREATE OR REPLACE FUNCTION slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
      $$ BEGIN PERFORM pg_sleep(${ms / 1000.0}); RETURN 1; END $$;`);
  const file = await source.pgDump(path.join(directory, `slow-${phase}-${rows}.dump`));
  await source.drop();
  return file;
}
