-- Estimates the bytes of the archive's tables with their indexes. Where the live table has enough rows, a row counts with their
-- average size, but at most three times its text; otherwise it counts with its text.
-- $1: schemas, $2: tables (text[]), $3: rows, $4: bytes of text (int8[])
SELECT coalesce(pg_catalog.sum(CASE WHEN c.reltuples >= 1000
         THEN least(a.rows * (pg_catalog.pg_total_relation_size(c.oid)::numeric / c.reltuples::numeric), a.bytes * 3.0)
         ELSE a.bytes END), 0)::pg_catalog.int8
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
                pg_catalog.unnest($3::pg_catalog.int8[]), pg_catalog.unnest($4::pg_catalog.int8[])) AS a (schema, name, rows, bytes)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name
