-- $1: errorCode, $2: message, $3: HTTP status or NULL.
INSERT INTO cch_data.price_sync (one, last_try_at, error_code, error, upstream_status)
VALUES (true, pg_catalog.now(), $1, $2, $3::pg_catalog.int4)
    ON CONFLICT (one) DO UPDATE SET last_try_at = excluded.last_try_at, error_code = excluded.error_code,
       error = excluded.error, upstream_status = excluded.upstream_status
