-- The foreign keys of table $1.$2 that the server would check.
-- constraint, the condition that row l refers to a parent, the query for that parent, which locks it as the server would
SELECT k.conname,
       pg_catalog.string_agg(pg_catalog.format('l.%I IS NOT NULL', a.attname), ' AND '),
       pg_catalog.format('SELECT FROM %s%I.%I AS p WHERE %s FOR KEY SHARE OF p',
                         CASE p.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, pn.nspname, p.relname,
                         pg_catalog.string_agg(
                           pg_catalog.format('p.%I OPERATOR(%I.%s) l.%I%s', pa.attname, opn.nspname, op.oprname, a.attname,
                                             CASE WHEN pa.attcollation <> a.attcollation AND pa.attcollation <> 0
                                                  THEN pg_catalog.format(' COLLATE %I.%I', con.nspname, co.collname) END),
                           ' AND '))
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
  AS pair (child, parent, operator)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.child
JOIN pg_catalog.pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = pair.parent
JOIN pg_catalog.pg_operator op ON op.oid = pair.operator
JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
LEFT JOIN pg_catalog.pg_collation co ON co.oid = pa.attcollation
LEFT JOIN pg_catalog.pg_namespace con ON con.oid = co.collnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND k.contype = 'f'
  AND coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::pg_catalog.bool, true)
GROUP BY k.oid, k.conname, p.relkind, pn.nspname, p.relname
