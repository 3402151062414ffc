-- The database that an import would change, and the role that would change it.
SELECT pg_catalog.current_database(),
       pg_catalog.pg_database_size(pg_catalog.current_database()),
       pg_catalog.current_setting('transaction_read_only'),
       CURRENT_USER,
       pg_catalog.current_setting('is_superuser') = 'on'
