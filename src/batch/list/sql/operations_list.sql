-- A page of operations, newest first, with sort key and total. An empty page has one row, with id NULL, that holds the total.
-- $1: kind, $2: text in the operator, $3: whether it can be undone, $4: from, $5: to (each NULL: any), $6 and $7: time and id
-- of the last row of the previous page, $8: limit, $9: one id. Operations without a complete record are left out. Those of
-- an older version of this program have no count.
WITH chosen AS (
  SELECT o.*, o.undone_by IS NULL AND o.expires_at > now()
           AND coalesce(o.changed_count, json_array_length(o.changes)) > 0 AS is_undoable
    FROM cch_data.operations AS o
   WHERE o.changes IS NOT NULL
     AND ($1::text IS NULL OR o.kind = $1)
     AND ($2::text IS NULL OR strpos(lower(o.operator), lower($2)) > 0)
     AND ($4::timestamptz IS NULL OR o.created_at >= $4)
     AND ($5::timestamptz IS NULL OR o.created_at < $5)
     AND ($9::text IS NULL OR o.id = $9)
), wanted AS (
  SELECT * FROM chosen WHERE $3::bool IS NULL OR is_undoable = $3
), page AS (
  SELECT * FROM wanted
   WHERE $6::numeric IS NULL OR (extract(epoch FROM created_at), id COLLATE "C") < ($6, $7::text)
   ORDER BY created_at DESC, id COLLATE "C" DESC LIMIT $8::int8
)
SELECT page.id, extract(epoch FROM page.created_at), all_of_them.n, json_build_object(
         'id', page.id, 'kind', page.kind, 'operatorName', page.operator, 'operatorIp', page.operator_ip,
         'createdAt', to_char(page.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'changedCount', coalesce(page.changed_count, json_array_length(page.changes)), 'undoable', page.is_undoable,
         'undoableUntil', to_char(page.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'undoneBy', page.undone_by,
         'undoneAt', to_char(page.undone_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'undoes', page.result ->> 'undoneOperationId',
         'group', CASE WHEN strpos(page.idempotency_key, '/') > 1 THEN split_part(page.idempotency_key, '/', 1) END)::text,
       CASE WHEN $9 IS NOT NULL THEN page.changes END
  FROM (SELECT count(*) AS n FROM wanted) AS all_of_them
  LEFT JOIN page ON true
 ORDER BY page.created_at DESC, page.id COLLATE "C" DESC
