-- $1: job, $2: destination, '0' for a drill, $3: hours. Whether there was no such proof for so long.
SELECT CASE WHEN $2 = '0' THEN
  NOT EXISTS (SELECT FROM cch_data.backup_runs
              WHERE job_name = $1 AND state = 'succeeded' AND recovery_ms IS NOT NULL
                AND ended_at > now() - pg_catalog.make_interval(hours => $3::integer))
ELSE
  NOT EXISTS (SELECT FROM cch_data.backups
              WHERE job_name = $1 AND destination_id = $2::bigint
                AND verified_at > now() - pg_catalog.make_interval(hours => $3::integer))
END
