-- The integer columns of table $1.$2 among $3 that draw from a sequence, which they own or which is in their default: the column,
-- quoted; the sequence; whether it ascends; its bounds.
WITH live AS (SELECT pg_catalog.to_regclass(pg_catalog.format('%I.%I', $1::text, $2::text)) AS oid),
drawn AS (
  SELECT d.refobjsubid AS attnum, d.objid AS sequence
  FROM live JOIN pg_catalog.pg_depend d ON d.refobjid = live.oid
  WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
  UNION
  SELECT e.adnum, d.refobjid
  FROM live JOIN pg_catalog.pg_attrdef e ON e.adrelid = live.oid
  JOIN pg_catalog.pg_depend d ON d.objid = e.oid
  WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
SELECT pg_catalog.quote_ident(a.attname), pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqincrement > 0,
       s.seqmin, s.seqmax
FROM live JOIN drawn ON true
JOIN pg_catalog.pg_attribute a ON a.attrelid = live.oid AND a.attnum = drawn.attnum
JOIN pg_catalog.pg_sequence s ON s.seqrelid = drawn.sequence
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.atttypid = ANY ('{int2,int4,int8}'::pg_catalog.regtype[]) AND a.attname::text = ANY ($3::text[])
