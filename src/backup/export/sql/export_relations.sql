-- Properties that decide how a table's rows are copied, for the tables with the OIDs $1. The condition is that of an
-- extension's configuration table: only rows that meet it are dumped.
SELECT c.oid,
       pg_catalog.format('%I.%I', n.nspname, c.relname),
       c.relkind = 'r' AND a.amname = 'heap',
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8,
       pg_catalog.pg_table_size(c.oid),
       nullif(x.condition, '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
LEFT JOIN (SELECT pg_catalog.unnest(e.extconfig) AS oid, pg_catalog.unnest(e.extcondition) AS condition
           FROM pg_catalog.pg_extension e) AS x ON x.oid = c.oid
WHERE c.oid = ANY ($1::pg_catalog.oid[])
