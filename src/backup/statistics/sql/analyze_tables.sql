-- ANALYZE statements for the tables that this role may analyze, the smallest first; that of a partitioned table includes its
-- partitions. It reads the catalog alone, so that it waits for no lock. $1: NULL, or only tables that have not been analyzed
-- since then.
SELECT pg_catalog.format('ANALYZE %I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (pg_catalog.pg_has_role(c.relowner, 'USAGE')
       OR (SELECT pg_catalog.pg_has_role(datdba, 'USAGE') FROM pg_catalog.pg_database
           WHERE datname = pg_catalog.current_database()))
  AND ($1::pg_catalog.timestamptz IS NULL OR pg_catalog.pg_stat_get_last_analyze_time(c.oid) < $1
       OR pg_catalog.pg_stat_get_last_analyze_time(c.oid) IS NULL)
ORDER BY c.relpages
