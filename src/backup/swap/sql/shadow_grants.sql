-- The statements that give database $1 the grants and the connection limit of database $2.
SELECT statement
FROM (
  SELECT 1 AS position, pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', $1::pg_catalog.text,
                                          pg_catalog.pg_get_userbyid(datdba)) AS statement
  FROM pg_catalog.pg_database WHERE datname = $2
  UNION ALL
  SELECT 2, pg_catalog.format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $1::pg_catalog.text,
                              CASE a.grantee WHEN 0 THEN 'PUBLIC'
                                ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
                              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_catalog.pg_database d
  CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a
  WHERE d.datname = $2
  UNION ALL
  SELECT 3, pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT %s', $1::pg_catalog.text, datconnlimit)
  FROM pg_catalog.pg_database WHERE datname = $2 AND datconnlimit <> -1
) AS s
ORDER BY position, statement
