-- The database's part of the status page. It reads the catalog alone, so that it answers while an import holds every table.
SELECT pg_size_pretty(database.bytes),
       (SELECT count(*)
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')),
       -- An estimate, as of the last ANALYZE; -1 before the first.
       (SELECT nullif(c.reltuples, -1)::bigint
          FROM pg_catalog.pg_class c
         WHERE c.oid = to_regclass('public.message_request')),
       database.bytes
  -- It looks at every file of the database: once.
  FROM (SELECT pg_database_size(current_database()) AS bytes OFFSET 0) AS database
