-- What was left alone when this very content was applied last, if nothing has touched the table since; else no row.
-- $1: kind, $2: digest, $3: the table's state now.
SELECT pg_catalog.array_to_json(skipped)
  FROM cch_data.price_applied
 WHERE kind = $1 AND digest = $2 AND state = $3
