-- The reasons why the current database cannot be overwritten by swap: missing rights of this role, and objects that would be
-- lost because the archive lacks them. $1: the schemas that the archive restores (text[]), $2: its entries outside schemas
-- as "KIND name" (text[]), $3: its large objects (oid[]); all NULL: unknown, assumed to be the same as here.
-- code, detail
WITH live AS (
  SELECT *, pg_catalog.to_jsonb(d) ->> 'datistemplate' AS is_template
  FROM pg_catalog.pg_database d WHERE datname = pg_catalog.current_database()
), me AS (
  SELECT * FROM pg_catalog.pg_roles WHERE rolname = current_user
), outside (kind, name) AS (
  SELECT 'EXTENSION', extname::text FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'
  UNION ALL SELECT 'PUBLICATION', pubname FROM pg_catalog.pg_publication
  UNION ALL SELECT 'EVENT TRIGGER', evtname FROM pg_catalog.pg_event_trigger e WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
      AND p.objid = e.oid AND p.deptype = 'e')
  UNION ALL SELECT o.kind, o.name
  FROM (
    SELECT 'FOREIGN DATA WRAPPER' AS kind, fdwname::text AS name, oid,
           'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass AS classid FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL SELECT 'SERVER', srvname, oid, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass
    FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT 'PROCEDURAL LANGUAGE', lanname, oid, 'pg_catalog.pg_language'::pg_catalog.regclass
    FROM pg_catalog.pg_language
    UNION ALL SELECT 'ACCESS METHOD', amname, oid, 'pg_catalog.pg_am'::pg_catalog.regclass FROM pg_catalog.pg_am
    UNION ALL SELECT 'CAST', pg_catalog.format('CAST (%s AS %s)', pg_catalog.format_type(castsource, NULL),
                                               pg_catalog.format_type(casttarget, NULL)),
                     oid, 'pg_catalog.pg_cast'::pg_catalog.regclass
    FROM pg_catalog.pg_cast c WHERE NOT EXISTS ( -- the one that a range type has
      SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass
        AND p.objid = c.oid AND p.deptype = 'i')
    UNION ALL SELECT 'TRANSFORM', pg_catalog.format('FOR %s LANGUAGE %s', pg_catalog.format_type(trftype, NULL), l.lanname),
                     t.oid, 'pg_catalog.pg_transform'::pg_catalog.regclass
    FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
  ) AS o
  WHERE o.oid >= 16384 -- FirstNormalObjectId: not initdb's
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p
                    WHERE p.classid = o.classid AND p.objid = o.oid AND p.deptype = 'e')
), found (priority, code, detail) AS (
  SELECT 1, 'createdb', current_user::text FROM me WHERE NOT (rolcreatedb OR rolsuper)
  UNION ALL
  SELECT 2, 'owner', pg_catalog.pg_get_userbyid(datdba) FROM live
  WHERE NOT (pg_catalog.pg_has_role(datdba, 'USAGE') AND pg_catalog.pg_has_role(datdba, 'MEMBER'))
  UNION ALL
  SELECT 3, 'template', datname::text FROM live WHERE is_template = 'true'
  UNION ALL -- in a new database, public belongs to pg_database_owner, or to initdb's superuser before PostgreSQL 15
  SELECT 3, CASE WHEN v.is_new THEN 'public' ELSE 'public old' END, pg_catalog.pg_get_userbyid(n.nspowner)
  FROM pg_catalog.pg_namespace AS n
  CROSS JOIN me
  CROSS JOIN (SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 150000) AS v (is_new)
  WHERE n.nspname = 'public' AND NOT me.rolsuper
    AND CASE WHEN v.is_new THEN pg_catalog.pg_get_userbyid(n.nspowner) <> 'pg_database_owner'
                                AND NOT pg_catalog.pg_has_role(n.nspowner, 'MEMBER')
             ELSE n.nspowner <> 10 END
  UNION ALL
  SELECT 4, 'schema', nspname::text FROM pg_catalog.pg_namespace AS n
  WHERE $1::pg_catalog.text[] IS NOT NULL AND nspname <> ALL ($1) AND nspname !~ '^pg_'
    AND nspname NOT IN ('public', 'information_schema', 'cch_data')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p
                    WHERE p.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND p.objid = n.oid AND p.deptype = 'e')
  UNION ALL
  SELECT 5, 'object', 'public.' || c.relname FROM pg_catalog.pg_class c
  WHERE 'public' <> ALL ($1::pg_catalog.text[]) AND c.relnamespace = pg_catalog.to_regnamespace('public')
  UNION ALL
  SELECT 6, 'object', kind || ' ' || name FROM outside
  WHERE kind || ' ' || name <> ALL ($2::pg_catalog.text[])
  UNION ALL
  SELECT 7, 'extension', v.name::text
  FROM pg_catalog.pg_available_extension_versions v
  CROSS JOIN me
  WHERE NOT me.rolsuper AND v.superuser AND NOT coalesce((pg_catalog.to_jsonb(v) ->> 'trusted')::pg_catalog.bool, false)
    AND v.name <> 'plpgsql'
    AND CASE WHEN $2::pg_catalog.text[] IS NULL
             THEN v.name IN (SELECT extname FROM pg_catalog.pg_extension)
             ELSE 'EXTENSION ' || v.name = ANY ($2) END
  UNION ALL
  SELECT 8, 'large objects', pg_catalog.count(*)::text FROM pg_catalog.pg_largeobject_metadata
  WHERE oid <> ALL ($3::pg_catalog.oid[])
  HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT 9, 'default privileges', pg_catalog.pg_get_userbyid(defaclrole) FROM pg_catalog.pg_default_acl d
  WHERE pg_catalog.format('DEFAULT ACL %s %s %s', d.defaclobjtype,
                          (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = d.defaclnamespace),
                          pg_catalog.pg_get_userbyid(d.defaclrole)) <> ALL ($2::pg_catalog.text[])
    AND (SELECT coalesce(pg_catalog.bool_and(nspname <> 'cch_data'), true) FROM pg_catalog.pg_namespace
         WHERE oid = d.defaclnamespace)
  UNION ALL
  SELECT 10, 'subscription', subname::text FROM pg_catalog.pg_subscription s JOIN live ON live.oid = s.subdbid
  UNION ALL
  SELECT 11, 'replication slot', slot_name::text FROM pg_catalog.pg_replication_slots s
  JOIN live ON live.datname = s.database
  UNION ALL
  SELECT 12, 'prepared transaction', gid FROM pg_catalog.pg_prepared_xacts s JOIN live ON live.datname = s.database
)
SELECT DISTINCT ON (priority, code, detail) code, detail FROM found ORDER BY priority, code, detail LIMIT 20
