-- The tables of cch_data: name, the columns that COPY takes, quoted. A table comes after those that its foreign keys refer to.
WITH RECURSIVE own AS (
  SELECT oid, relname FROM pg_catalog.pg_class
  WHERE relnamespace = pg_catalog.to_regnamespace('cch_data') AND relkind IN ('r', 'p') AND NOT relispartition
), depth (oid, level) AS (
  SELECT oid, 0 FROM own
  UNION
  SELECT k.conrelid, d.level + 1
  FROM depth d
  JOIN pg_catalog.pg_constraint k ON k.confrelid = d.oid AND k.contype = 'f' AND k.conrelid <> k.confrelid
  WHERE d.level < 20 -- ends circles
)
SELECT own.relname,
       (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute
        WHERE attrelid = own.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')
FROM own
JOIN depth ON depth.oid = own.oid
GROUP BY own.oid, own.relname
ORDER BY pg_catalog.max(depth.level), own.relname
