-- $1: job, $2: destination or '0' for any. A backup that a wrong clock dated into the future is not the newest.
SELECT id FROM cch_data.backups
WHERE job_name = $1 AND state IN ('stored', 'proven') AND NOT is_found AND ($2 = '0' OR destination_id = $2::bigint)
ORDER BY made_at > now() + interval '1 hour', made_at DESC, id LIMIT 1
