-- The unique indexes and exclusion constraints of table $1.$2 that need only columns in $3 (text[]), without index $4 (the
-- identity's; may be NULL). Unlike those of merge_keys.sql they may be partial and consist of expressions.
-- the expressions ("a AS k0, lower(b) AS k1"), the condition that l's and m's values exclude each other, the predicate or NULL
SELECT pg_catalog.string_agg(pg_catalog.format('%s AS k%s', k.expression, k.position), ', ' ORDER BY k.position),
       pg_catalog.string_agg(k.condition, ' AND ' ORDER BY k.position),
       pg_catalog.pg_get_expr(i.indpred, i.indrelid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
LEFT JOIN pg_catalog.pg_constraint x ON x.conindid = i.indexrelid AND x.contype = 'x'
CROSS JOIN LATERAL (
  SELECT g.position,
         pg_catalog.pg_get_indexdef(i.indexrelid, g.position + 1, false) AS expression,
         pg_catalog.format(CASE WHEN pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' -- from PostgreSQL 15 on
                                THEN '(l.k%1$s OPERATOR(%2$I.%3$s) m.k%1$s OR (l.k%1$s IS NULL AND m.k%1$s IS NULL))'
                                ELSE 'l.k%1$s OPERATOR(%2$I.%3$s) m.k%1$s' END, g.position, opn.nspname, op.oprname) AS condition
  FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) AS g (position)
  JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[g.position]
  LEFT JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
    AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
  JOIN pg_catalog.pg_operator op ON op.oid = coalesce(x.conexclop[g.position + 1], ao.amopopr)
  JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
) k
WHERE n.nspname = $1 AND c.relname = $2
  AND (i.indisunique OR i.indisexclusion) AND i.indisvalid AND i.indexrelid IS DISTINCT FROM $4::pg_catalog.oid
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attname <> ALL ($3::pg_catalog.text[])
      AND (a.attnum = ANY (i.indkey)
           OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
                        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
                        AND d.refobjsubid = a.attnum)))
GROUP BY i.indexrelid, i.indpred, i.indrelid, i.indnkeyatts
HAVING pg_catalog.count(*) = i.indnkeyatts
ORDER BY i.indexrelid
