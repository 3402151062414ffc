-- Every foreign key between two different tables.
-- child schema, child table, parent schema, parent table, statement that defers it, statement that restores it
SELECT cn.nspname, c.relname, pn.nspname, p.relname,
       pg_catalog.format('ALTER TABLE %I.%I ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED',
                         cn.nspname, c.relname, k.conname),
       pg_catalog.format('ALTER TABLE %I.%I ALTER CONSTRAINT %I %s', cn.nspname, c.relname, k.conname,
                         CASE WHEN k.condeferred THEN 'DEFERRABLE INITIALLY DEFERRED'
                              WHEN k.condeferrable THEN 'DEFERRABLE INITIALLY IMMEDIATE'
                              ELSE 'NOT DEFERRABLE' END)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND k.conparentid = 0
