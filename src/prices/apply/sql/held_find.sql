-- The changes of these models, or, for NULL, all that wait. $1: names.
SELECT model_name, price_data
  FROM cch_data.price_held
 WHERE CASE WHEN $1::pg_catalog.text[] IS NULL THEN rejected_at IS NULL
            ELSE model_name COLLATE "C" = ANY ($1::pg_catalog.text[] COLLATE "C") END
 ORDER BY model_name COLLATE "C"
