-- Records a failed sync. $1: errorCode, $2: message, $3: HTTP status or NULL.
INSERT INTO cch_data.price_sync AS known (one, last_try_at, error_code, error, upstream_status, failures, failing_since)
VALUES (true, pg_catalog.now(), $1, $2, $3::pg_catalog.int4, 1, pg_catalog.now())
    ON CONFLICT (one) DO UPDATE SET last_try_at = excluded.last_try_at, error_code = excluded.error_code,
       error = excluded.error, upstream_status = excluded.upstream_status, failures = known.failures + 1,
       failing_since = COALESCE(known.failing_since, excluded.failing_since)
