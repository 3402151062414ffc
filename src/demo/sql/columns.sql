-- The columns, quoted and in order, that the view pg_temp.$1 and the table public.$2 have in common; NULL without such a table.
SELECT string_agg(quote_ident(made.attname), ', ' ORDER BY made.attnum)
FROM pg_catalog.pg_attribute AS made
JOIN pg_catalog.pg_attribute AS there ON there.attname = made.attname
WHERE made.attrelid = to_regclass('pg_temp.' || $1) AND made.attnum > 0
  AND there.attrelid = to_regclass('public.' || $2) AND there.attnum > 0 AND NOT there.attisdropped
