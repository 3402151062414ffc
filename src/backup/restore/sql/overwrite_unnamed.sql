-- The tables of the schemas $1 (text[]) that are not among $2 (text[], "schema.table"): overwriting removes them.
-- the first ten names; count
WITH unnamed AS (
  SELECT n.nspname || '.' || c.relname AS name
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ANY ($1::pg_catalog.text[]) AND c.relkind IN ('r', 'p')
    AND n.nspname || '.' || c.relname <> ALL ($2::pg_catalog.text[])
)
SELECT (SELECT pg_catalog.string_agg(name, ', ') FROM (SELECT name FROM unnamed ORDER BY name LIMIT 10) AS first),
       (SELECT pg_catalog.count(*) FROM unnamed)
