-- Collations that sort an index and whose version is no longer the one recorded: "name (recorded, now actual)", or NULL.
SELECT pg_catalog.string_agg(pg_catalog.format('%s (%s, now %s)', c.collname, c.collversion, a.version), ', ' ORDER BY c.collname)
FROM pg_catalog.pg_collation c
CROSS JOIN LATERAL pg_catalog.pg_collation_actual_version(c.oid) AS a (version)
WHERE c.collversion <> a.version
  AND EXISTS (SELECT FROM pg_catalog.pg_index i WHERE c.oid = ANY (i.indcollation))
