-- The sequences of cch_data with their values, as statements that set them in another database.
SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s, %L)', pg_catalog.format('%I.%I', schemaname, sequencename),
                         coalesce(last_value, start_value), last_value IS NOT NULL)
FROM pg_catalog.pg_sequences
WHERE schemaname = 'cch_data'
