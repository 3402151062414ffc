-- A number from 0 to choices - 1 that depends on nothing but its arguments: the same seed makes the same data. The views ask
-- for it with a salt of its own for each thing they choose. Settings of the run are in cch_demo.*.

CREATE OR REPLACE FUNCTION pg_temp.demo_pick(n bigint, salt bigint, choices bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (hashint8extended($1, $2) & 9223372036854775807) % $3';
