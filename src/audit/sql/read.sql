-- One entry of the audit log {table}. $1: its id. Secrets that the hub may have written there are masked in the JSON text,
-- where a quoted name before a colon can only be a member name.
SELECT json_build_object(
         'id', a.id, 'createdAt', to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'category', a.action_category, 'type', a.action_type, 'targetType', a.target_type, 'targetId', a.target_id,
         'targetName', a.target_name, 'operatorUserId', a.operator_user_id, 'operatorName', a.operator_user_name,
         'operatorKeyName', a.operator_key_name, 'operatorIp', a.operator_ip, 'userAgent', a.user_agent,
         'success', a.success, 'errorMessage', a.error_message,
         'before', regexp_replace(a.before_value::text, mask.pattern, '"\1": "••••••"', 'gi')::json,
         'after', regexp_replace(a.after_value::text, mask.pattern, '"\1": "••••••"', 'gi')::json)::text
  FROM {table} AS a,
       (VALUES ('"(key|full_?key|api_?key|token|auth_?token|secret|password|authorization)": "([^"\\]|\\.)*"')) AS mask (pattern)
 WHERE a.id = $1::int8
