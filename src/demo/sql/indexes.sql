-- The indexes of public.message_request that no constraint needs, with the statements that create them again.
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid)
FROM pg_catalog.pg_index
WHERE indrelid = to_regclass('public.message_request')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conindid = indexrelid)
  AND NOT EXISTS (SELECT FROM public.message_request)
ORDER BY indexrelid
