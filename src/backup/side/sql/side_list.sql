-- The recorded databases beside the current one that exist and match their record, newest first. Records that were written for
-- another database, of which this one is a copy, do not count.
-- name, OID (NULL: recorded before it was created), kind, created at, made by, reason, expires at, bytes, is it to be dropped
SELECT r.name, r.side_oid, r.kind,
       pg_catalog.to_char(r.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), r.made_by, r.reason,
       pg_catalog.to_char(r.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       CASE WHEN d.oid IS NOT NULL
              AND (pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                   OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'))
            THEN pg_catalog.pg_database_size(d.oid) END,
       r.kind = 'shadow' OR r.expires_at <= pg_catalog.now() OR d.oid IS NULL
FROM cch_data.databases r
JOIN pg_catalog.pg_database live ON live.datname = pg_catalog.current_database() AND live.oid = r.live_oid
LEFT JOIN pg_catalog.pg_database d ON d.datname = r.name AND d.oid = coalesce(r.side_oid, d.oid)
ORDER BY r.made_at DESC, r.name
