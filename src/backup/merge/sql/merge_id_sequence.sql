-- The ascending sequence that provides the ids of table public.$1; no row if there is none.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE s.seqincrement = 1
  AND s.seqrelid = pg_catalog.pg_get_serial_sequence(pg_catalog.format('public.%I', $1::text), 'id')::pg_catalog.regclass
