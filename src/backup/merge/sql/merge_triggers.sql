-- Enabled user triggers and rules that would fire on an INSERT into table $1.$2, or with $3 on an UPDATE of it, including
-- those of its partitions.
-- statement that disables it, statement that restores it, is it the trigger of the hub's ledger
SELECT pg_catalog.format('ALTER TABLE ONLY %I.%I DISABLE TRIGGER %I', n.nspname, c.relname, t.tgname),
       pg_catalog.format('ALTER TABLE ONLY %I.%I ENABLE %s TRIGGER %I', n.nspname, c.relname,
                         CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END, t.tgname),
       $1::text = 'public' AND $2::text = 'message_request' AND t.tgenabled = 'O' AND EXISTS (
         SELECT FROM pg_catalog.pg_proc p
         WHERE p.oid = t.tgfoid AND p.proname = 'fn_upsert_usage_ledger'
           AND p.pronamespace = 'public'::pg_catalog.regnamespace)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgrelid IN (SELECT pg_catalog.format('%I.%I', $1::text, $2::text)::pg_catalog.regclass
                    UNION
                    SELECT p.relid
                    FROM pg_catalog.pg_partition_tree(pg_catalog.format('%I.%I', $1::text, $2::text)::pg_catalog.regclass) p)
  AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
UNION ALL
SELECT pg_catalog.format('ALTER TABLE %I.%I DISABLE RULE %I', $1::text, $2::text, r.rulename),
       pg_catalog.format('ALTER TABLE %I.%I ENABLE %s RULE %I', $1::text, $2::text,
                         CASE r.ev_enabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, r.rulename),
       false
FROM pg_catalog.pg_rewrite r
WHERE r.ev_class = pg_catalog.format('%I.%I', $1::text, $2::text)::pg_catalog.regclass
  AND (r.ev_type = '3' OR ($3::pg_catalog.bool AND r.ev_type = '2')) AND r.ev_enabled <> 'D'
