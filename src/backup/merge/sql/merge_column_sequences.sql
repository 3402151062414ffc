-- The integer columns of table $1.$2 that draw from a sequence, which they own or which is in their default: the column, quoted;
-- the sequence; whether it ascends; its bounds.
SELECT DISTINCT pg_catalog.quote_ident(a.attname), pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqincrement > 0,
       s.seqmin, s.seqmax
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
JOIN pg_catalog.pg_depend d
  ON (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
      AND d.refobjsubid = a.attnum)
  OR (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
JOIN pg_catalog.pg_sequence s
  ON s.seqrelid = CASE d.classid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objid ELSE d.refobjid END
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', $1::text, $2::text)) AND NOT a.attisdropped
  AND a.atttypid = ANY ('{int2,int4,int8}'::pg_catalog.regtype[])
  AND a.attname::text = ANY ($3::text[])
