-- Whether index $1 is of one integer column.
SELECT i.indnkeyatts = 1
       AND a.atttypid = ANY ('{pg_catalog.int2,pg_catalog.int4,pg_catalog.int8}'::pg_catalog.regtype[])
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indexrelid = $1::pg_catalog.oid
