-- The tables with rows of their own among $1 (text[], "schema.table") but not among $2 (likewise).
-- schema, name
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY ($1::pg_catalog.text[]) AND c.relkind = 'r'
  AND n.nspname || '.' || c.relname <> ALL ($2::pg_catalog.text[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
