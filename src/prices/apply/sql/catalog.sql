-- Whether the hub's table can be used, the default source of this database, and whether our own tables exist.
SELECT (SELECT pg_catalog.count(*) = 6
          FROM pg_catalog.pg_attribute
         WHERE attrelid = pg_catalog.to_regclass('public.model_prices') AND attnum > 0 AND NOT attisdropped
           AND attname IN ('id', 'model_name', 'price_data', 'source', 'created_at', 'updated_at')),
       COALESCE((SELECT pg_catalog.pg_get_expr(def.adbin, def.adrelid) LIKE '''cloud''%'
                   FROM pg_catalog.pg_attrdef AS def
                   JOIN pg_catalog.pg_attribute AS attribute
                     ON attribute.attrelid = def.adrelid AND attribute.attnum = def.adnum
                  WHERE def.adrelid = pg_catalog.to_regclass('public.model_prices') AND attribute.attname = 'source'),
                false),
       pg_catalog.to_regclass('cch_data.price_held') IS NOT NULL
