-- Removes held changes. $1: an object, name -> price data; a change that now has another value stays.
DELETE FROM cch_data.price_held AS held
 USING pg_catalog.jsonb_each($1::pg_catalog.jsonb) AS entry
 WHERE held.model_name COLLATE "C" = entry.key COLLATE "C" AND held.price_data = entry.value
