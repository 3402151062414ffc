-- Records that the current database owes full statistics, and forgets databases that are gone.
WITH gone AS (
  DELETE FROM cch_data.statistics_owed WHERE database_oid NOT IN (SELECT oid FROM pg_catalog.pg_database)
)
INSERT INTO cch_data.statistics_owed (database_oid)
SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
