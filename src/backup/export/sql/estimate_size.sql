-- What an export would copy, from the catalog alone; without the rows of message_request if $1.
-- bytes, as PostgreSQL counts relations; rows, as of the last ANALYZE
SELECT (coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)
        + pg_catalog.pg_table_size('pg_catalog.pg_largeobject'::pg_catalog.regclass))::pg_catalog.int8,
       coalesce(sum(greatest(c.reltuples, 0)), 0)::pg_catalog.int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'cch_data')
  AND NOT ($1::pg_catalog.bool AND c.oid = coalesce(pg_catalog.to_regclass('public.message_request'), 0))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
