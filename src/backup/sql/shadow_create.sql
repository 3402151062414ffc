-- The statement that makes an empty database $1 alike to the current one: encoding, locale, tablespace, owner.
-- The columns of pg_database that newer versions have (locale provider 15, ICU rules 16, built-in locale 17) are looked up
-- by name, so that one statement serves all.
SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L TABLESPACE %I',
                         $1::pg_catalog.text, pg_catalog.pg_get_userbyid(d.datdba),
                         pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, t.spcname)
       || CASE l.provider
            WHEN 'i' THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L', l.locale)
                          || coalesce(pg_catalog.format(' ICU_RULES %L', nullif(l.rules, '')), '')
            WHEN 'b' THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', l.locale)
            WHEN 'c' THEN ' LOCALE_PROVIDER libc'
            ELSE '' END
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
CROSS JOIN LATERAL pg_catalog.to_jsonb(d) AS j
CROSS JOIN LATERAL (SELECT j ->> 'datlocprovider' AS provider, coalesce(j ->> 'datlocale', j ->> 'daticulocale') AS locale,
                           coalesce(j ->> 'daticurules', '') AS rules) AS l
WHERE d.datname = pg_catalog.current_database()
