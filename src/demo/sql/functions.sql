-- A number from 0 to choices - 1 that depends only on the arguments: the same seed makes the same data. Each kind of choice in
-- the views has its own salt. Settings of the run are in cch_demo.*.

CREATE OR REPLACE FUNCTION pg_temp.demo_pick(n bigint, salt bigint, choices bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (hashint8extended($1, $2) & 9223372036854775807) % $3';
