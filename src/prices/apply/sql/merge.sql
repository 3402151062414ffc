-- Price data with some fields set and others removed. $1: the data (NULL: none), $2: the fields to set, $3: names to remove.
SELECT COALESCE(CASE WHEN pg_catalog.jsonb_typeof($1::pg_catalog.jsonb) = 'object' THEN $1::pg_catalog.jsonb END, '{}')
       - $3::pg_catalog.text[] || $2::pg_catalog.jsonb
