-- The statement that creates an empty database $1 with the current one's encoding, locale and tablespace. $2: also with its
-- owner; otherwise it belongs to this role.
-- The columns that newer versions add to pg_database (locale provider 15, ICU rules 16, built-in locale 17) are looked up by
-- name, so that one statement serves all.
SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L',
                         $1::pg_catalog.text,
                         CASE WHEN $2::boolean THEN pg_catalog.pg_get_userbyid(d.datdba) ELSE CURRENT_USER END,
                         pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
       || CASE l.provider
            WHEN 'i' THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L', l.locale)
                          || CASE WHEN l.rules <> '' THEN pg_catalog.format(' ICU_RULES %L', l.rules) ELSE '' END
            WHEN 'b' THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', l.locale)
            WHEN 'c' THEN ' LOCALE_PROVIDER libc'
            ELSE '' END
       -- The template's own tablespace needs no privilege, but only when it is not named.
       || coalesce((SELECT pg_catalog.format(' TABLESPACE %I', t.spcname) FROM pg_catalog.pg_tablespace t
                    JOIN pg_catalog.pg_database template ON template.dattablespace <> t.oid
                    WHERE t.oid = d.dattablespace AND template.datname = 'template0'), '')
FROM pg_catalog.pg_database d
CROSS JOIN LATERAL pg_catalog.to_jsonb(d) AS j
CROSS JOIN LATERAL (SELECT j ->> 'datlocprovider' AS provider, coalesce(j ->> 'datlocale', j ->> 'daticulocale') AS locale,
                           coalesce(j ->> 'daticurules', '') AS rules) AS l
WHERE d.datname = pg_catalog.current_database()
