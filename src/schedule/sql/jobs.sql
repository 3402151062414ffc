-- Jobs, by name; columns as read_job in jobs.c reads them. A good backup that a wrong clock dated into the future does not
-- count as the newest. $1: id, $2: name; each may be NULL.
SELECT j.id, j.name, j.is_enabled, j.is_offered, j.settings, pg_catalog.floor(extract(epoch FROM j.handled_at))::bigint,
       pg_catalog.floor(extract(epoch FROM j.next_at))::bigint,
       pg_catalog.floor(extract(epoch FROM coalesce(j.enabled_at, j.created_at)))::bigint,
       (SELECT pg_catalog.floor(extract(epoch FROM pg_catalog.max(b.made_at)))::bigint FROM cch_data.backups AS b
        WHERE b.job_name = j.name AND b.state IN ('stored', 'proven') AND NOT b.is_found
          AND b.made_at <= now() + interval '1 hour'),
       (SELECT r.state = 'failed' AND r.error_code = 'backup.runner_died' FROM cch_data.backup_runs AS r
        WHERE r.job_name = j.name AND r.kind = 'backup' AND r.ended_at IS NOT NULL ORDER BY r.ended_at DESC LIMIT 1)
FROM cch_data.backup_jobs AS j
WHERE ($1::bigint IS NULL OR j.id = $1) AND ($2::text IS NULL OR j.name = $2)
ORDER BY j.name
