-- A mark that changes with every write to or deletion from model_prices, whoever makes it: every row version has its own
-- place and its transaction's number. The system identifier and the OIDs tell databases apart, because a dump with our
-- recorded mark may be restored elsewhere.
SELECT pg_catalog.concat_ws(' ', control.system_identifier, database.oid, 'public.model_prices'::pg_catalog.regclass::oid,
                            rows.n, rows.sum)
  FROM pg_catalog.pg_control_system() AS control,
       pg_catalog.pg_database AS database,
       (SELECT pg_catalog.count(*) AS n,
               pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', ctid, xmin, id), 0)) AS sum
          FROM public.model_prices) AS rows
 WHERE database.datname = pg_catalog.current_database()
