-- The newest exports with stored manifests.
SELECT e.id, e.file_name, e.archive_sha256, e.made_by,
       to_char(e.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       e.manifest ->> 'bytes', e.manifest ->> 'compression', e.manifest ->> 'excludeLogs', e.manifest ->> 'snapshotTime',
       (SELECT sum((t.value ->> 'rows')::bigint)::bigint FROM json_array_elements(e.manifest -> 'tables') AS t),
       e.manifest ->> 'ledgerOnly', coalesce(e.manifest -> 'excludedTables', '[]')::text
  FROM cch_data.exports e
 ORDER BY e.id DESC
 LIMIT 100
