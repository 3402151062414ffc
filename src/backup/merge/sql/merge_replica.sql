-- Whether session_replication_role = replica, which locks nothing, may keep user triggers and rules of table $1.$2 from
-- firing. The role also disables checks: these must be absent or done by the import. It is therefore not used with
-- - deferrable unique keys,
-- - foreign keys that need checks which the import does not do ($3: the table has an identity),
-- - foreign keys that refer to the table, if rows are updated ($4),
-- - triggers and rules that fire under that role, too,
-- - partitioned tables.
SELECT c.relkind = 'r'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i
                   WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND NOT i.indimmediate)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                   WHERE k.conrelid = c.oid AND k.contype = 'f'
                     AND (NOT $3::pg_catalog.bool OR NOT k.convalidated OR k.condeferred OR k.confmatchtype <> 's'
                          OR coalesce((pg_catalog.to_jsonb(k) ->> 'conperiod')::pg_catalog.bool, false)))
   AND NOT ($4::pg_catalog.bool AND EXISTS (SELECT FROM pg_catalog.pg_constraint k
                                            WHERE k.contype = 'f' AND k.confrelid = c.oid))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                   WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R'))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                   WHERE r.ev_class = c.oid AND r.ev_type IN ('2', '3') AND r.ev_enabled IN ('A', 'R'))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
