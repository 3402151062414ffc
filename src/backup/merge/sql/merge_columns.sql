-- The columns of table $1.$2.
-- name, type as SQL, is a row without it refused (NOT NULL and nothing to fill it), is it generated,
-- relkind of the table (in every row; one row with a NULL name for a table without columns),
-- is it an identity column that an UPDATE cannot set
SELECT a.attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS is_needed,
       a.attgenerated <> '' AS is_generated,
       c.relkind,
       a.attidentity = 'a' AS is_always_identity
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1 AND c.relname = $2
ORDER BY a.attnum
