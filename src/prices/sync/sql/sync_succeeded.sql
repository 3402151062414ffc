-- Records a successful sync. $1: URL, $2: ETag, $3: Last-Modified, $4: HTTP status, $5: the rows' state, $6: the table's
-- version, $7: number of its models, $8: their names ($6 to $8 NULL: as before), $9: counts.
INSERT INTO cch_data.price_sync AS known (one, last_try_at, last_success_at, error_code, error, upstream_status, url,
                                          etag, last_modified, state, version, model_count, model_names, result)
VALUES (true, pg_catalog.now(), pg_catalog.now(), NULL, NULL, $4::pg_catalog.int4, $1, $2, $3, $5, $6,
        $7::pg_catalog.int4, $8::pg_catalog.text[], $9::pg_catalog.jsonb)
    ON CONFLICT (one) DO UPDATE SET
       last_try_at = excluded.last_try_at, last_success_at = excluded.last_success_at, error_code = NULL, error = NULL,
       upstream_status = excluded.upstream_status, failures = 0, failing_since = NULL, url = excluded.url,
       etag = COALESCE(excluded.etag, CASE WHEN $8::pg_catalog.text[] IS NULL THEN known.etag END),
       last_modified = COALESCE(excluded.last_modified, CASE WHEN $8::pg_catalog.text[] IS NULL THEN known.last_modified END),
       state = excluded.state, result = excluded.result,
       version = CASE WHEN $8::pg_catalog.text[] IS NULL THEN known.version ELSE excluded.version END,
       model_count = COALESCE(excluded.model_count, known.model_count),
       model_names = COALESCE(excluded.model_names, known.model_names)
