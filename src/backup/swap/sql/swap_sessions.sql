-- The sessions in the databases $1 (oid[]), without backend $2. Autovacuum's sessions have no user; RENAME itself ends them.
-- pid, who it is
SELECT pid,
       pg_catalog.format('pid %s (%s, %s)', pid, usename, coalesce(nullif(application_name, ''), client_addr::text, state, '?'))
FROM pg_catalog.pg_stat_activity
WHERE datid = ANY ($1::pg_catalog.oid[]) AND pid <> $2::pg_catalog.int4 AND usesysid IS NOT NULL
ORDER BY backend_start
LIMIT 1000
