-- Creates the record first, so that a request with the same idempotency key waits until this transaction has ended. Removes an
-- expired record of that key, and those that expired a month ago (until then an undo says that they have expired): twenty at
-- most, so that nobody waits for that.
WITH expired AS (
  DELETE FROM cch_data.operations WHERE id IN (
    SELECT id FROM cch_data.operations
    WHERE expires_at < now()
      AND (expires_at < now() - interval '30 days' OR (operator = $3 AND idempotency_key = $5))
    ORDER BY (operator = $3 AND idempotency_key = $5) IS TRUE DESC, expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
  RETURNING id
)
INSERT INTO cch_data.operations (id, kind, operator, operator_ip, idempotency_key, fingerprint, expires_at)
SELECT $1, $2, $3, $4, $5, $6, now() + $7::int4 * interval '1 hour' FROM (SELECT count(*) FROM expired) AS done
ON CONFLICT (operator, idempotency_key) DO NOTHING
RETURNING id
