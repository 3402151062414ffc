-- $2: the new state; $3: the problem; $4: seconds until the next try of what stays queued; $5: tries that do not count.
UPDATE cch_data.notify_queue
SET state = $2, error = $3, next_try_at = pg_catalog.clock_timestamp() + $4::pg_catalog.float8 * interval '1 second',
    tries = tries - $5::pg_catalog.int4, ended_at = CASE WHEN $2 = 'queued' THEN NULL ELSE pg_catalog.clock_timestamp() END
WHERE id = $1::pg_catalog.int8 AND state = 'queued'
