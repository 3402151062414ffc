-- The objects to drop so that the schemas $1 (text[]) are empty: each object that is in one of them by itself, not as part of
-- another object or of an extension. Tables come first, because most other objects are dropped with them.
-- DROP statement
SELECT pg_catalog.format('DROP %s IF EXISTS %s CASCADE',
                         CASE o.type WHEN 'statistics object' THEN 'statistics'
                                     WHEN 'composite type' THEN 'type'
                                     WHEN 'function' THEN 'routine'
                                     WHEN 'procedure' THEN 'routine'
                                     WHEN 'aggregate' THEN 'routine'
                                     ELSE o.type END, o.identity)
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_namespace n ON n.oid = d.refobjid AND n.nspname = ANY ($1::pg_catalog.text[])
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS o
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
  AND d.deptype = 'n'
  AND d.classid NOT IN ('pg_catalog.pg_extension'::pg_catalog.regclass,
                        'pg_catalog.pg_default_acl'::pg_catalog.regclass,
                        'pg_catalog.pg_constraint'::pg_catalog.regclass)
  AND o.type NOT LIKE 'publication%'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend part
                  WHERE part.classid = d.classid AND part.objid = d.objid AND part.objsubid = 0
                    AND part.deptype IN ('i', 'e'))
ORDER BY d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass DESC,
         o.type NOT IN ('table', 'view', 'materialized view', 'foreign table'), d.objid
