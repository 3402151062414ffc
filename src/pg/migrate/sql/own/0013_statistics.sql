-- Databases that an import by swap has filled and that have only coarse planner statistics so far. By OID, because the
-- rows of cch_data go along when databases are swapped.

CREATE TABLE cch_data.statistics_owed (
  database_oid oid PRIMARY KEY,
  since timestamptz DEFAULT pg_catalog.now() NOT NULL
);
