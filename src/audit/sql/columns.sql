-- The columns that an audit table needs, with their types, for each table that has all of them; the hub's table comes first.
-- $1: the column names as an array.
SELECT namespace.nspname, attribute.attname, pg_catalog.format_type(attribute.atttypid, attribute.atttypmod)
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
 WHERE class.relname = 'audit_log' AND namespace.nspname IN ('public', 'cch_data') AND class.relkind IN ('r', 'p')
   AND attribute.attnum > 0 AND NOT attribute.attisdropped
   AND attribute.attname = ANY ($1::pg_catalog.name[])
   AND (SELECT pg_catalog.count(*)
          FROM pg_catalog.pg_attribute AS other
         WHERE other.attrelid = class.oid AND other.attnum > 0 AND NOT other.attisdropped
           AND other.attname = ANY ($1::pg_catalog.name[])) = pg_catalog.cardinality($1::pg_catalog.name[])
 ORDER BY namespace.nspname = 'public' DESC, pg_catalog.array_position($1::pg_catalog.name[], attribute.attname)
