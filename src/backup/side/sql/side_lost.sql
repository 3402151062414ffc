-- Kept databases of the current one whose records are lost, as after an import by another program that restored older records.
-- They are recognized by their names and by the comment that the swap gave them ("... [reason made expires live]": seconds
-- since 1970, and the OID of the database that became the live one), directly or through other kept ones.
-- name, OID, reason, made at, expires at
WITH RECURSIVE said AS (
  SELECT d.oid, d.datname, pg_catalog.regexp_matches(
           pg_catalog.shobj_description(d.oid, 'pg_database'),
           '^cch-data: .* \[(import|undo) ([0-9]{1,11}) ([0-9]{1,11}) ([0-9]{1,10})\]$') AS words
  FROM pg_catalog.pg_database d
  JOIN pg_catalog.pg_database live ON live.datname = pg_catalog.current_database() AND live.datdba = d.datdba
  WHERE d.oid <> live.oid AND d.datname ~ '_cch_old_[0-9a-f]{16}$'
), mine AS (
  SELECT s.oid, s.datname, s.words FROM said s
  JOIN pg_catalog.pg_database live ON live.datname = pg_catalog.current_database() AND s.words[4] = live.oid::text
  UNION
  SELECT s.oid, s.datname, s.words FROM said s JOIN mine m ON s.words[4] = m.oid::text
)
SELECT m.datname, m.oid, m.words[1], pg_catalog.to_timestamp(m.words[2]::pg_catalog.float8),
       pg_catalog.to_timestamp(m.words[3]::pg_catalog.float8)
FROM mine m
WHERE NOT EXISTS (SELECT FROM cch_data.databases r
                  JOIN pg_catalog.pg_database live ON live.datname = pg_catalog.current_database() AND live.oid = r.live_oid
                  WHERE r.name = m.datname AND r.side_oid = m.oid AND r.kind = 'kept')
