-- Session $1, which expires at $2 (Unix time), has ended. Those that have expired since are forgotten.
WITH forgotten AS (DELETE FROM cch_data.ended_sessions WHERE expires_at < pg_catalog.now())
INSERT INTO cch_data.ended_sessions (id, expires_at)
VALUES ($1::bigint, pg_catalog.to_timestamp($2::double precision))
    ON CONFLICT (id) DO NOTHING
