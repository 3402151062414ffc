-- By the newest five exports with compression $1, without logs or not ($2): how many there are, bytes of archive and
-- seconds for each byte of the tables. Medians: one client was slow, one day was busy.
SELECT count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY archive_bytes / relation_bytes),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms / 1000.0 / relation_bytes)
FROM (SELECT (e.manifest ->> 'bytes')::float8 AS archive_bytes, e.relation_bytes::float8, e.duration_ms::float8
      FROM cch_data.exports e
      WHERE e.manifest ->> 'compression' = $1 AND e.manifest ->> 'excludeLogs' = $2
        AND e.relation_bytes > 0 AND e.duration_ms IS NOT NULL
      ORDER BY e.id DESC
      LIMIT 5) AS newest
