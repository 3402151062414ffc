SELECT 'cch_data_price_sync_last_success_age_seconds', NULL, NULL, NULL, NULL, pg_catalog.date_part('epoch', pg_catalog.now() - last_success_at)
FROM cch_data.price_sync WHERE last_success_at IS NOT NULL
UNION ALL
SELECT 'cch_data_price_sync_consecutive_failures', NULL, NULL, NULL, NULL, failures FROM cch_data.price_sync
UNION ALL
SELECT 'cch_data_prices_held', NULL, NULL, NULL, NULL, pg_catalog.count(*) FROM cch_data.price_held WHERE rejected_at IS NULL
