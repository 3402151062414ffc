// Makes SQL texts of pg_dump and pg_restore comparable, because rows have no order.

import { runOk } from './run.mjs';

// Omits differences between two runs of the same program and sorts each table's rows. Partitions that are loaded through their root
// count as one table: a row's partition depends on the OIDs of an enum, which differ between databases.
export function comparable(text) {
  const result = [];
  const tables = new Map();
  let rows = null;
  for (const line of text.split('\n')) {
    if (rows && line === '\\.') {
      rows = null;
    } else if (rows) {
      rows.push(line);
    } else if (/^COPY .* FROM stdin;$/.test(line)) {
      if (!tables.has(line)) tables.set(line, []);
      rows = tables.get(line);
      result.push(line);
    } else if (!/^(\\(un)?restrict |-- Dumped (from|by) )/.test(line)) {
      result.push(line);
    }
  }
  const written = (line) => [line, ...tables.get(line).sort(), '\\.'];
  return result.flatMap((line) => (tables.has(line) ? written(line) : [line])).join('\n');
}

// pg_restore's text of an archive.
export async function archiveText(file, ...args) {
  const { stdout } = await runOk('pg_restore', ['-f', '-', ...args, file]);
  return comparable(stdout);
}

// pg_dump's text of a database.
export async function databaseText(database, ...args) {
  return comparable(await database.dumpText(...args));
}
