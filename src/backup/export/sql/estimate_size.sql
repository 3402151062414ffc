-- The amount of data that an export would copy, from the catalog alone, without the rows of the tables $1 (text[],
-- "schema.name", or a name in public).
-- bytes, as PostgreSQL counts relations; rows, as of the last ANALYZE
SELECT (coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)
        + pg_catalog.pg_table_size('pg_catalog.pg_largeobject'::pg_catalog.regclass))::pg_catalog.int8,
       coalesce(sum(greatest(c.reltuples, 0)), 0)::pg_catalog.int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'cch_data')
  AND n.nspname || '.' || c.relname <> ALL (
    SELECT CASE WHEN pg_catalog.strpos(name, '.') > 0 THEN name ELSE 'public.' || name END
    FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
