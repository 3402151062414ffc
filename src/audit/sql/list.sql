-- A page of the audit log {table}, newest first, with each row's sort key and the total. An empty page has one row, with id
-- NULL, that holds the total. $1: text, $2: category, $3: type, $4: text in the operator's name, $5: success, $6: from, $7: to
-- (each NULL: any), $8 and $9: time and id of the last row of the previous page, $10: limit.
WITH chosen AS (
  SELECT a.id, a.created_at FROM {table} AS a
   WHERE ($1::text IS NULL
          OR strpos(lower(concat_ws(E'\n', a.action_type, a.target_type, a.target_id, a.target_name, a.operator_user_name,
                                    a.operator_key_name, a.operator_ip, a.error_message)), lower($1)) > 0)
     AND ($2::text IS NULL OR a.action_category = $2)
     AND ($3::text IS NULL OR a.action_type = $3)
     AND ($4::text IS NULL OR strpos(lower(coalesce(a.operator_user_name, '')), lower($4)) > 0)
     AND ($5::bool IS NULL OR a.success = $5)
     AND ($6::timestamptz IS NULL OR a.created_at >= $6)
     AND ($7::timestamptz IS NULL OR a.created_at < $7)
), page AS (
  SELECT a.* FROM {table} AS a
    JOIN (SELECT id FROM chosen
           WHERE $8::numeric IS NULL OR (extract(epoch FROM created_at), id) < ($8, $9::int8)
           ORDER BY created_at DESC, id DESC LIMIT $10::int8) AS last USING (id)
)
SELECT page.id, extract(epoch FROM page.created_at), all_of_them.n, json_build_object(
         'id', page.id, 'createdAt', to_char(page.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'category', page.action_category, 'type', page.action_type, 'targetType', page.target_type,
         'targetId', page.target_id, 'targetName', page.target_name, 'operatorUserId', page.operator_user_id,
         'operatorName', page.operator_user_name, 'operatorKeyName', page.operator_key_name,
         'operatorIp', page.operator_ip, 'userAgent', page.user_agent, 'success', page.success,
         'errorMessage', page.error_message, 'hasBefore', page.before_value IS NOT NULL,
         'hasAfter', page.after_value IS NOT NULL,
         'group', CASE WHEN page.action_category = 'batch' THEN page.after_value ->> 'group' END,
         'rowCount', CASE WHEN page.action_category = 'batch' THEN (page.after_value ->> 'changedCount')::int8 END)::text
  FROM (SELECT count(*) AS n FROM chosen) AS all_of_them
  LEFT JOIN page ON true
 ORDER BY page.created_at DESC, page.id DESC
