-- The unique indexes of table $1.$2 that cover all rows and consist of columns in $3 (text[]). Indexes without NULLs come
-- first; of these the primary key, then the shortest.
-- does it identify every row (no NULLs in it), is it checked at once (otherwise ON CONFLICT cannot use it),
-- the condition that row l and row s have the same key, one of l's columns, s's columns, columns as text[],
-- an expression that describes s's key in messages, with values only of types that hold no secret; the index's OID
SELECT pg_catalog.bool_and(k.attnotnull),
       i.indimmediate,
       pg_catalog.string_agg(k.condition, ' AND ' ORDER BY k.position),
       pg_catalog.min(pg_catalog.format('l.%I', k.attname)) FILTER (WHERE k.position = 0),
       pg_catalog.string_agg(pg_catalog.format('s.%I', k.attname), ', ' ORDER BY k.position),
       pg_catalog.array_agg(k.attname::pg_catalog.text ORDER BY k.position),
       pg_catalog.string_agg(k.shown, ' || '', '' || ' ORDER BY k.position),
       i.indexrelid
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
CROSS JOIN LATERAL (
  SELECT a.attname, a.attnotnull, g.position,
         pg_catalog.format('l.%1$I%4$s OPERATOR(%2$I.%3$s) s.%1$I', a.attname, opn.nspname, op.oprname,
                           CASE WHEN co.oid <> a.attcollation
                                THEN pg_catalog.format(' COLLATE %I.%I', con.nspname, co.collname) END) AS condition,
         CASE WHEN t.typcategory IN ('B', 'D', 'E', 'I', 'N') OR t.oid = 'pg_catalog.uuid'::pg_catalog.regtype
              THEN pg_catalog.format('pg_catalog.concat(%L, s.%I)', a.attname || '=', a.attname)
              ELSE pg_catalog.quote_literal(a.attname || '=...') END AS shown
  FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) AS g (position)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[g.position]
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[g.position]
  JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
    AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
  JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr
  JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
  LEFT JOIN pg_catalog.pg_collation co ON co.oid = i.indcollation[g.position]
  LEFT JOIN pg_catalog.pg_namespace con ON con.oid = co.collnamespace
) k
WHERE n.nspname = $1 AND c.relname = $2
  AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid, i.indimmediate, i.indisprimary, i.indnkeyatts
HAVING pg_catalog.count(*) = i.indnkeyatts AND pg_catalog.bool_and(k.attname = ANY ($3::pg_catalog.text[]))
ORDER BY pg_catalog.bool_and(k.attnotnull) DESC, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
