-- The hub's ledger, which a trigger of message_request fills (v0.9 and later); no row if there is none.
-- does that trigger fire, is it the only user trigger that would,
-- the sequence of the ledger's id (NULL: none)
SELECT coalesce(pg_catalog.bool_or(t.is_ledgers), false),
       coalesce(pg_catalog.bool_and(t.is_ledgers), false),
       pg_catalog.min(pg_catalog.pg_get_serial_sequence('public.usage_ledger', 'id')) FILTER (WHERE i.attname IS NOT NULL)
FROM (SELECT pg_catalog.to_regclass('public.usage_ledger') AS oid
      WHERE 4 = (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
                 WHERE NOT a.attisdropped
                   AND (a.attrelid = pg_catalog.to_regclass('public.usage_ledger') AND a.attname = 'request_id'
                        OR a.attrelid = pg_catalog.to_regclass('public.message_request')
                           AND a.attname IN ('id', 'status_code', 'blocked_by')))) AS l
LEFT JOIN pg_catalog.pg_attribute i ON i.attrelid = l.oid AND i.attname = 'id' AND NOT i.attisdropped
LEFT JOIN LATERAL (
  SELECT p.proname = 'fn_upsert_usage_ledger' AND p.pronamespace = 'public'::pg_catalog.regnamespace AS is_ledgers
  FROM pg_catalog.pg_trigger g
  JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
  WHERE g.tgrelid = pg_catalog.to_regclass('public.message_request') AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
) AS t ON true
GROUP BY l.oid
