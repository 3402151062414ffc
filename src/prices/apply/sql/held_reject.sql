-- Rejects held changes. $1: names. $2: operator.
UPDATE cch_data.price_held
   SET rejected_at = pg_catalog.now(), rejected_by = $2
 WHERE model_name = ANY ($1::pg_catalog.text[])
