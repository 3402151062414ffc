-- The state of the sync as JSON for API and command line. $1: number of consecutive failures after which prices are stale.
SELECT pg_catalog.json_build_object(
         'lastTryAt', pg_catalog.to_char(last_try_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'lastSuccessAt', pg_catalog.to_char(last_success_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'errorCode', error_code, 'error', error, 'upstreamStatus', upstream_status, 'etag', etag,
         'lastModified', last_modified, 'version', version, 'modelCount', model_count, 'result', result, 'consecutiveFailures', failures,
         'staleSince', CASE WHEN failures >= $1::pg_catalog.int4
                            THEN pg_catalog.to_char(COALESCE(last_success_at, failing_since) AT TIME ZONE 'UTC',
                                                    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END)
  FROM cch_data.price_sync
