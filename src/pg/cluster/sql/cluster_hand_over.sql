-- Makes role cch_data the owner of all that this superuser owns in the database, except extensions and their members. Can be
-- repeated.
DO $hand_over$
DECLARE
  statement pg_catalog.text;
BEGIN
  FOR statement IN
    WITH member AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
    me AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
    SELECT pg_catalog.format('ALTER SCHEMA %I OWNER TO cch_data', n.nspname)
    FROM pg_catalog.pg_namespace n, me
    WHERE n.nspowner = me.oid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM member
                      WHERE classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND objid = n.oid)
    UNION ALL
    SELECT pg_catalog.format('ALTER %s %s OWNER TO cch_data',
                             CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                            WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'
                                            WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
                             c.oid::pg_catalog.regclass)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, me
    WHERE c.relowner = me.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                        AND (d.deptype = 'e' OR (c.relkind = 'S' AND d.deptype IN ('a', 'i'))))
    UNION ALL
    SELECT pg_catalog.format('ALTER ROUTINE %s OWNER TO cch_data', p.oid::pg_catalog.regprocedure)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace, me
    WHERE p.proowner = me.oid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM member
                      WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND objid = p.oid)
    UNION ALL
    SELECT pg_catalog.format('ALTER TYPE %s OWNER TO cch_data', t.oid::pg_catalog.regtype)
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace, me
    WHERE t.typowner = me.oid AND t.typtype IN ('d', 'e', 'r') AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM member
                      WHERE classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND objid = t.oid)
    UNION ALL
    SELECT pg_catalog.format('ALTER LARGE OBJECT %s OWNER TO cch_data', l.oid)
    FROM pg_catalog.pg_largeobject_metadata l, me WHERE l.lomowner = me.oid
  LOOP
    EXECUTE statement;
  END LOOP;
END
$hand_over$
