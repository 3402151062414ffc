-- What CASCADE would drop although it is not in the schemas $1 (text[]): objects of other schemas, and objects of no schema
-- (casts, event triggers and the like), that depend on something in them. Languages, foreign-data wrappers and access methods
-- named in $2 (text[]) belong to the archive, which creates them again.
-- description
-- pg_identify_object quotes its schema only where an identifier needs quotes.
WITH RECURSIVE restored AS (
  SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::pg_catalog.text[])
), gone (classid, objid, objsubid) AS (
  SELECT d.classid, d.objid, 0
  FROM pg_catalog.pg_depend d
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid IN (SELECT oid FROM restored)
    AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                    WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
  UNION
  SELECT d.classid, d.objid, d.objsubid
  FROM gone g
  JOIN pg_catalog.pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
   AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
), found AS (
  SELECT DISTINCT o.type, o.identity, coalesce(o.schema, pg_catalog.quote_ident(n.nspname)) AS schema
  FROM gone g
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(g.classid, g.objid, g.objsubid) AS o
  LEFT JOIN pg_catalog.pg_class c ON c.oid = CASE g.classid
      WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass
        THEN (SELECT tgrelid FROM pg_catalog.pg_trigger WHERE oid = g.objid)
      WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        THEN (SELECT ev_class FROM pg_catalog.pg_rewrite WHERE oid = g.objid)
      WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass
        THEN (SELECT polrelid FROM pg_catalog.pg_policy WHERE oid = g.objid)
      WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        THEN (SELECT adrelid FROM pg_catalog.pg_attrdef WHERE oid = g.objid)
      END
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE g.classid NOT IN ('pg_catalog.pg_default_acl'::pg_catalog.regclass,
                          'pg_catalog.pg_publication_rel'::pg_catalog.regclass,
                          'pg_catalog.pg_amop'::pg_catalog.regclass,
                          'pg_catalog.pg_amproc'::pg_catalog.regclass)
    AND o.type NOT LIKE 'publication%'
    AND NOT (o.type IN ('language', 'foreign-data wrapper', 'access method')
             AND o.identity IN (SELECT pg_catalog.quote_ident(name) FROM pg_catalog.unnest($2::pg_catalog.text[]) AS name))
    -- parts of something else, such as the cast that every range type has
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend part
                    WHERE part.classid = g.classid AND part.objid = g.objid AND part.deptype = 'i'
                      AND g.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass)
)
SELECT pg_catalog.format('%s %s', type, identity)
FROM found
WHERE schema IS NULL
   OR (schema NOT IN (SELECT pg_catalog.quote_ident(name) FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name)
       AND schema NOT LIKE 'pg\_%')
ORDER BY 1
LIMIT 20
