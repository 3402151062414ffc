-- An identity of this database that is the same for every address by which it is reached.
SELECT pg_catalog.concat(control.system_identifier, '/', database.oid)
  FROM pg_catalog.pg_control_system() AS control, pg_catalog.pg_database AS database
 WHERE database.datname = pg_catalog.current_database()
