-- The directory of the current database's files if, as far as addresses tell, it is on the client's machine; otherwise NULL.
SELECT CASE WHEN pg_catalog.inet_server_addr() IS NULL OR pg_catalog.inet_server_addr() = pg_catalog.inet_client_addr()
         THEN coalesce(nullif(pg_catalog.pg_tablespace_location(dattablespace), ''),
                       pg_catalog.current_setting('data_directory')) END
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
