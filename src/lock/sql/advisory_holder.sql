-- The holder of this database's advisory lock. $1, $2: the key's high and low half.
SELECT activity.application_name,
       pg_catalog.to_char(activity.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM pg_catalog.pg_locks AS lock
  JOIN pg_catalog.pg_database AS database ON database.oid = lock.database
  LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = lock.pid
 WHERE lock.locktype = 'advisory' AND lock.granted
   AND lock.classid::pg_catalog.int8 = $1::pg_catalog.int8 AND lock.objid::pg_catalog.int8 = $2::pg_catalog.int8
   AND lock.objsubid = 1 -- keys of one bigint
   AND database.datname = pg_catalog.current_database()
 LIMIT 1
