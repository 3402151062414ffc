-- Schema public of the current database. Every database has one, so an archive lacks its owner and initial grants.
-- all relevant properties as one text, the statements that set them in another database
WITH public AS (
  SELECT oid, pg_catalog.pg_get_userbyid(nspowner) AS owner, pg_catalog.obj_description(oid, 'pg_namespace') AS comment,
         coalesce(nspacl, pg_catalog.acldefault('n', nspowner)) AS acl
  FROM pg_catalog.pg_namespace WHERE nspname = 'public'
), grants AS (
  SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee,
         a.privilege_type, a.is_grantable
  FROM public CROSS JOIN LATERAL pg_catalog.aclexplode(public.acl) AS a
)
SELECT pg_catalog.concat_ws(' ', owner, pg_catalog.quote_nullable(comment),
         (SELECT pg_catalog.string_agg(pg_catalog.concat_ws('/', grantee, privilege_type, is_grantable), ' '
                                       ORDER BY grantee, privilege_type, is_grantable) FROM grants)),
       pg_catalog.format('ALTER SCHEMA public OWNER TO %I; REVOKE ALL ON SCHEMA public FROM PUBLIC, %1$I; '
                         'COMMENT ON SCHEMA public IS %s; ', owner, pg_catalog.quote_nullable(comment))
       || coalesce((SELECT pg_catalog.string_agg(
                      pg_catalog.format('GRANT %s ON SCHEMA public TO %s%s', privilege_type, grantee,
                                        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '; ') FROM grants), '')
FROM public
