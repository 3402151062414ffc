-- Whether backend $1 has locked database $2 for its renaming: nobody can connect to it any more.
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
               WHERE locktype = 'object' AND classid = 'pg_catalog.pg_database'::pg_catalog.regclass
                 AND objid = $2::pg_catalog.oid AND mode = 'AccessExclusiveLock' AND granted
                 AND pid = $1::pg_catalog.int4)
