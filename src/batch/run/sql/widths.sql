-- The existing columns with their widths in characters; 0: unbounded.
SELECT attname, CASE WHEN atttypid = 'varchar'::regtype AND atttypmod > 4 THEN atttypmod - 4 ELSE 0 END
FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass('public.' || $1) AND attnum > 0 AND NOT attisdropped
