-- Collations that sort an index and whose version is no longer the one recorded: "name (recorded, now actual)", or NULL. Only
-- of those that are used is the actual version asked: ICU has nine hundred.
WITH used AS MATERIALIZED (
  SELECT c.oid, c.collname, c.collversion FROM pg_catalog.pg_collation AS c
   WHERE c.collversion IS NOT NULL AND c.oid IN (SELECT pg_catalog.unnest(i.indcollation) FROM pg_catalog.pg_index AS i)
)
SELECT pg_catalog.string_agg(pg_catalog.format('%s (%s, now %s)', c.collname, c.collversion, a.version), ', ' ORDER BY c.collname)
  FROM used AS c
 CROSS JOIN LATERAL pg_catalog.pg_collation_actual_version(c.oid) AS a (version)
 WHERE c.collversion <> a.version
