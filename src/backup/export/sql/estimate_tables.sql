-- The hundred largest tables of an export: "schema.name", bytes on disk without indexes, rows as of the last ANALYZE, are its
-- rows left out (named in $1, as in estimate_size.sql).
SELECT n.nspname || '.' || c.relname,
       pg_catalog.pg_table_size(c.oid),
       greatest(c.reltuples, 0)::pg_catalog.int8,
       n.nspname || '.' || c.relname = ANY (
         SELECT CASE WHEN pg_catalog.strpos(name, '.') > 0 THEN name ELSE 'public.' || name END
         FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'cch_data')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 2 DESC, 1
LIMIT 100
