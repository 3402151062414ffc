-- The newest five exports with compression $1 that left out the rows of the same tables ($2, text[]): their count, and the
-- medians of archive bytes and of seconds per byte of the tables. A median ignores one slow client or one busy day.
SELECT count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY archive_bytes / relation_bytes),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms / 1000.0 / relation_bytes)
FROM (SELECT (e.manifest ->> 'bytes')::float8 AS archive_bytes, e.relation_bytes::float8, e.duration_ms::float8
      FROM cch_data.exports e
      WHERE e.manifest ->> 'compression' = $1 AND (SELECT coalesce(array_agg(x ORDER BY x), '{}') FROM unnest($2::text[]) AS x)
          = CASE WHEN e.manifest -> 'excludedTables' IS NOT NULL
                 THEN (SELECT coalesce(array_agg(x ORDER BY x), '{}') FROM json_array_elements_text(e.manifest -> 'excludedTables') AS x)
                 WHEN e.manifest ->> 'excludeLogs' = 'true' THEN '{message_request}'::text[]
                 ELSE '{}' END
        AND e.relation_bytes > 0 AND e.duration_ms IS NOT NULL
      ORDER BY e.id DESC
      LIMIT 5) AS newest
