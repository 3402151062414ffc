-- Records that session $1 has ended; it would have expired at $2 (Unix time). Removes records of sessions that have expired.
WITH forgotten AS (DELETE FROM cch_data.ended_sessions WHERE expires_at < pg_catalog.now())
INSERT INTO cch_data.ended_sessions (id, expires_at)
VALUES ($1::bigint, pg_catalog.to_timestamp($2::double precision))
    ON CONFLICT (id) DO NOTHING
