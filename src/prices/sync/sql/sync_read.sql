SELECT url, etag, last_modified, version, state,
       COALESCE(EXTRACT(epoch FROM pg_catalog.now() - last_success_at)::pg_catalog.int8, -1),
       COALESCE(EXTRACT(epoch FROM pg_catalog.now() - last_try_at)::pg_catalog.int8, -1), model_count
  FROM cch_data.price_sync
