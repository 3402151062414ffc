-- Returns a row if session $1, which expires at $2 (Unix time), was signed out.
SELECT
  FROM cch_data.ended_sessions
 WHERE id = $1::bigint AND expires_at = pg_catalog.to_timestamp($2::double precision)
