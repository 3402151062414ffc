-- Whether INSERT ON CONFLICT is refused on table $1.$2. A key that is not checked at once cannot be its arbiter
-- (ExecCheckIndexConstraints); an UPDATE rule forbids it even when disabled (matchLocks in rewriteHandler.c).
-- is it refused, the statement that has deferrable keys checked at once (NULL without any), whether there is any key.
SELECT EXISTS (SELECT FROM pg_catalog.pg_index i
               WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND NOT i.indimmediate)
       OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '2'),
       (SELECT 'SET CONSTRAINTS ' || pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, k.conname), ', ') || ' IMMEDIATE'
        FROM pg_catalog.pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x') AND k.condeferrable),
       EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
