// Whether two databases hold the same rows in any order: a count and a sum of hashes for each table.

import assert from 'node:assert/strict';

// The service writes its own rows: cch_data, and an audit row for every import.
const TABLES = `
  SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cch_data')
    AND n.nspname NOT LIKE 'pg_toast%' AND c.relname <> 'audit_log'
  ORDER BY 1`;

// { table: 'count hash' }
export async function contents(database) {
  const tables = (await database.rows(TABLES)).map(([table]) => table);
  assert.ok(tables.length > 0, 'the database is empty');
  const queries = tables.map((table) =>
    `SELECT '${table}', count(*), sum(pg_catalog.hashtextextended(t::text, 0)) FROM ${table} AS t`);
  const rows = await database.rows(queries.join(' UNION ALL '));
  return Object.fromEntries(rows.map(([table, count, hash]) => [table, `${count} ${hash}`]));
}

export async function assertContents(database, expected, what) {
  assert.deepEqual(await contents(database), expected, `${what}: other rows than the source's`);
}
