-- The held changes of the models $1 (names); NULL: all that wait.
SELECT model_name, price_data
  FROM cch_data.price_held
 WHERE CASE WHEN $1::pg_catalog.text[] IS NULL THEN rejected_at IS NULL
            ELSE model_name COLLATE "C" = ANY ($1::pg_catalog.text[] COLLATE "C") END
 ORDER BY model_name COLLATE "C"
