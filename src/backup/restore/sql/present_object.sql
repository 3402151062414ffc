-- Whether an object of kind $1 cannot be created because its name is taken. $2: its schema, or its table's; $3: the entry's
-- tag, "table name" for a part of a table if $7, else "name"; $4: names that this table can have; $5: it has an index of its
-- name; $6: it is a primary key. Takes no lock.
SELECT CASE
  WHEN $1::text = 'INDEX' THEN EXISTS (
    SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = $3::text)
  WHEN $1::text = 'STATISTICS' THEN EXISTS (
    SELECT FROM pg_catalog.pg_statistic_ext s WHERE s.stxnamespace = n.oid AND s.stxname = $3::text)
  ELSE EXISTS (
    SELECT FROM pg_catalog.pg_class t
    CROSS JOIN LATERAL (SELECT CASE WHEN $7::pg_catalog.bool THEN t.relname || ' ' ELSE '' END) AS tagged (prefix)
    WHERE t.relnamespace = n.oid AND t.relname = ANY ($4::text[])
      AND CASE $1::text
        WHEN 'TRIGGER' THEN EXISTS (
          SELECT FROM pg_catalog.pg_trigger g
          WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND $3::text = pg_catalog.concat(tagged.prefix, g.tgname))
        WHEN 'RULE' THEN EXISTS (
          SELECT FROM pg_catalog.pg_rewrite r
          WHERE r.ev_class = t.oid AND $3::text = pg_catalog.concat(tagged.prefix, r.rulename))
        WHEN 'POLICY' THEN EXISTS (
          SELECT FROM pg_catalog.pg_policy p
          WHERE p.polrelid = t.oid AND $3::text = pg_catalog.concat(tagged.prefix, p.polname))
        ELSE EXISTS (
          SELECT FROM pg_catalog.pg_constraint k
          WHERE k.conrelid = t.oid
            AND ($3::text = pg_catalog.concat(tagged.prefix, k.conname) OR ($6::pg_catalog.bool AND k.contype = 'p')))
          OR ($5::pg_catalog.bool AND EXISTS (
            SELECT FROM pg_catalog.pg_class c
            WHERE c.relnamespace = n.oid AND $3::text = pg_catalog.concat(tagged.prefix, c.relname)))
        END)
  END
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $2::text
