-- The tables among $1 (text[], "schema.table") that this database lacks.
-- the first ten names; count
WITH absent AS (
  SELECT name
  FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name
  WHERE name NOT IN (SELECT n.nspname || '.' || c.relname
                     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
)
SELECT (SELECT pg_catalog.string_agg(name, ', ') FROM (SELECT name FROM absent ORDER BY name LIMIT 10) AS first),
       (SELECT pg_catalog.count(*) FROM absent)
