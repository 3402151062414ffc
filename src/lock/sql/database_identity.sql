-- The same for all who reach this database, by whatever address.
SELECT pg_catalog.concat(control.system_identifier, '/', database.oid)
  FROM pg_catalog.pg_control_system() AS control, pg_catalog.pg_database AS database
 WHERE database.datname = pg_catalog.current_database()
