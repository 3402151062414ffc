-- Figures of the scheduled backups: metric, label, its value, label, its value, figure. Jobs that are gone are left out. The label is job_name, because Prometheus
-- itself has job.
WITH job AS (
  SELECT name, is_enabled, next_at FROM cch_data.backup_jobs
), last_run AS (
  SELECT DISTINCT ON (r.job_name, r.kind) r.job_name, r.kind, r.state, r.started_at, r.ended_at
  FROM cch_data.backup_runs r
  JOIN job ON job.name = r.job_name
  WHERE r.kind IN ('backup', 'verify', 'drill') AND r.state IN ('succeeded', 'failed')
  ORDER BY r.job_name, r.kind, r.id DESC
), recovery AS (
  SELECT DISTINCT ON (r.job_name) r.job_name, r.recovery_ms
  FROM cch_data.backup_runs r
  JOIN job ON job.name = r.job_name
  WHERE r.kind = 'drill' AND r.state = 'succeeded' AND r.recovery_ms IS NOT NULL
  ORDER BY r.job_name, r.id DESC
), good AS (
  SELECT DISTINCT ON (b.job_name) b.job_name, b.made_at, b.bytes
  FROM cch_data.backups b
  JOIN job ON job.name = b.job_name
  WHERE b.state IN ('stored', 'proven')
  ORDER BY b.job_name, b.made_at DESC, b.id DESC
)
SELECT 'cch_data_backup_job_enabled', 'job_name', name, NULL, NULL, is_enabled::pg_catalog.int4::pg_catalog.float8 FROM job
UNION ALL
SELECT 'cch_data_backup_job_next_run_timestamp_seconds', 'job_name', name, NULL, NULL, pg_catalog.date_part('epoch', next_at)
FROM job WHERE next_at IS NOT NULL AND is_enabled
UNION ALL
SELECT CASE kind WHEN 'backup' THEN 'cch_data_backup_last_run_success' WHEN 'verify' THEN 'cch_data_verify_last_success'
       ELSE 'cch_data_drill_last_success' END, 'job_name', job_name, NULL, NULL, (state = 'succeeded')::pg_catalog.int4
FROM last_run
UNION ALL
SELECT CASE kind WHEN 'backup' THEN 'cch_data_backup_last_run_timestamp_seconds' ELSE 'cch_data_drill_last_timestamp_seconds' END,
       'job_name', job_name, NULL, NULL, pg_catalog.date_part('epoch', ended_at)
FROM last_run WHERE kind IN ('backup', 'drill') AND ended_at IS NOT NULL
UNION ALL
SELECT 'cch_data_backup_last_run_duration_seconds', 'job_name', job_name, NULL, NULL, pg_catalog.date_part('epoch', ended_at - started_at)
FROM last_run WHERE kind = 'backup' AND ended_at IS NOT NULL AND started_at IS NOT NULL
UNION ALL
SELECT 'cch_data_drill_recovery_seconds', 'job_name', job_name, NULL, NULL, recovery_ms / 1000.0 FROM recovery
UNION ALL
SELECT 'cch_data_backup_last_good_age_seconds', 'job_name', job_name, NULL, NULL, pg_catalog.date_part('epoch', pg_catalog.now() - made_at) FROM good
UNION ALL
SELECT 'cch_data_backup_last_good_bytes', 'job_name', job_name, NULL, NULL, bytes FROM good
UNION ALL
SELECT 'cch_data_backup_last_proven_age_seconds', 'job_name', b.job_name, NULL, NULL,
       pg_catalog.date_part('epoch', pg_catalog.now() - pg_catalog.max(b.made_at))
FROM cch_data.backups b
JOIN job ON job.name = b.job_name
WHERE b.state = 'proven'
GROUP BY b.job_name
UNION ALL
SELECT 'cch_data_backups', 'job_name', job_name, 'state', state, pg_catalog.count(*) FROM cch_data.backups GROUP BY job_name, state
UNION ALL
SELECT 'cch_data_backup_runs', 'state', s.state, NULL, NULL, pg_catalog.count(r.id)
FROM (VALUES ('queued'), ('running')) s (state)
LEFT JOIN cch_data.backup_runs r ON r.state = s.state
GROUP BY s.state
UNION ALL
SELECT 'cch_data_destination_up', 'destination', name, 'kind', kind, (last_error IS NULL)::pg_catalog.int4 FROM cch_data.backup_destinations
UNION ALL
SELECT 'cch_data_destination_last_ok_timestamp_seconds', 'destination', name, 'kind', kind, pg_catalog.date_part('epoch', last_ok_at)
FROM cch_data.backup_destinations WHERE last_ok_at IS NOT NULL
