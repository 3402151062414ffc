-- As JSON, for people and programs.
SELECT pg_catalog.json_build_object(
         'lastTryAt', pg_catalog.to_char(last_try_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'lastSuccessAt', pg_catalog.to_char(last_success_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'errorCode', error_code, 'error', error, 'upstreamStatus', upstream_status, 'etag', etag,
         'lastModified', last_modified, 'version', version, 'modelCount', model_count, 'result', result)
  FROM cch_data.price_sync
