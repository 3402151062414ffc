-- Creates the record first, so that a request with the same idempotency key waits until this transaction has ended. Removes
-- at most twenty expired records, so that nobody waits for that.
WITH expired AS (
  DELETE FROM cch_data.operations WHERE id IN (
    SELECT id FROM cch_data.operations WHERE expires_at < now() ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
  RETURNING id
)
INSERT INTO cch_data.operations (id, kind, operator, operator_ip, idempotency_key, fingerprint, expires_at)
SELECT $1, $2, $3, $4, $5, $6, now() + $7::int4 * interval '1 hour' FROM (SELECT count(*) FROM expired) AS done
ON CONFLICT (operator, idempotency_key) DO NOTHING
RETURNING id
