-- The number of indexes, keys and triggers of the tables $1 (text[], "schema.table").
SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = ANY (tables.oids))
     + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint f
        WHERE f.contype = 'f' AND f.conrelid = ANY (tables.oids))
     + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger t
        WHERE NOT t.tgisinternal AND t.tgrelid = ANY (tables.oids))
FROM (SELECT pg_catalog.array_agg(c.oid) AS oids
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname || '.' || c.relname = ANY ($1::pg_catalog.text[]) AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                          AND d.deptype = 'e')) AS tables
