-- The manual prices that were left alone when the same content was last applied; no row if the table has changed since.
-- $1: kind, $2: digest, $3: the table's state now.
SELECT pg_catalog.array_to_json(skipped)
  FROM cch_data.price_applied
 WHERE kind = $1 AND digest = $2 AND state = $3
