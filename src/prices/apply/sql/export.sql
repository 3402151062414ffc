-- All current prices. $1: only those of this source, cloud or manual; NULL: all.
SELECT model_name, price_data
  FROM (SELECT DISTINCT ON (price.model_name COLLATE "C") price.model_name, price.source, price.price_data
          FROM public.model_prices AS price
         ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST,
                  price.id DESC) AS stored
 WHERE $1::pg_catalog.text IS NULL OR (source = 'manual') = ($1 = 'manual')
 ORDER BY model_name COLLATE "C"
