-- Columns' widths in characters; only those that have one.
SELECT attname, atttypmod - 4 FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass('public.' || $1) AND atttypid = 'varchar'::regtype AND atttypmod > 4 AND NOT attisdropped
