-- The statements that give database $1 the current one's settings by ALTER DATABASE and ALTER ROLE ... IN DATABASE, and its
-- security labels, in any order.
-- Settings that are lists of identifiers are stored quoted, and each identifier must be given separately
-- (makeAlterConfigCommand in PostgreSQL's dumputils.c; GUC_LIST_QUOTE in its guc_tables.c).
SELECT pg_catalog.format('%s SET %I TO %s',
         CASE s.setrole WHEN 0 THEN pg_catalog.format('ALTER DATABASE %I', $1::pg_catalog.text)
           ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I', pg_catalog.pg_get_userbyid(s.setrole), $1::pg_catalog.text)
         END,
         c.name,
         CASE WHEN pg_catalog.lower(c.name) IN ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                                                'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories')
              THEN coalesce((SELECT pg_catalog.string_agg(pg_catalog.quote_literal(
                                      coalesce(pg_catalog.replace(m[1], '""', '"'), pg_catalog.btrim(m[2]))), ', ')
                             FROM pg_catalog.regexp_matches(c.value, '"((?:[^"]|"")*)"|([^",\s][^,]*)', 'g') AS m), '''''')
              ELSE pg_catalog.quote_literal(c.value) END)
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = pg_catalog.current_database()
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS u (setting)
CROSS JOIN LATERAL (SELECT pg_catalog.split_part(u.setting, '=', 1) AS name,
                           pg_catalog.substr(u.setting, pg_catalog.strpos(u.setting, '=') + 1) AS value) AS c
UNION ALL
SELECT pg_catalog.format('SECURITY LABEL FOR %I ON DATABASE %I IS %L', l.provider, $1::pg_catalog.text, l.label)
FROM pg_catalog.pg_shseclabel l
JOIN pg_catalog.pg_database d ON d.oid = l.objoid AND d.datname = pg_catalog.current_database()
WHERE l.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
