-- Whether anybody holds the advisory lock of the database with OID $3 on this server. $1, $2: the key's high and low half.
SELECT EXISTS (SELECT
  FROM pg_catalog.pg_locks AS lock
 WHERE lock.locktype = 'advisory' AND lock.granted AND lock.database = $3::pg_catalog.oid
   AND lock.classid::pg_catalog.int8 = $1::pg_catalog.int8 AND lock.objid::pg_catalog.int8 = $2::pg_catalog.int8
   AND lock.objsubid = 1)
