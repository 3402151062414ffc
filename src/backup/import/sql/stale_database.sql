-- The same for the database's own collation, since PostgreSQL 15.
SELECT pg_catalog.format('%s (%s, now %s)', d.datcollate, d.datcollversion, a.version)
FROM pg_catalog.pg_database d
CROSS JOIN LATERAL pg_catalog.pg_database_collation_actual_version(d.oid) AS a (version)
WHERE d.datname = pg_catalog.current_database() AND d.datcollversion <> a.version
