-- Users among $1 with a key that works at the moment $2: enabled, not deleted, not expired. Locks these keys.
WITH enabled AS (
  SELECT user_id, expires_at FROM public.keys WHERE user_id = ANY ($1::int4[]) AND is_enabled AND deleted_at IS NULL
  ORDER BY id FOR NO KEY UPDATE
)
SELECT DISTINCT u.id, u.name FROM enabled JOIN public.users AS u ON u.id = enabled.user_id
WHERE enabled.expires_at IS NULL OR enabled.expires_at > $2::timestamptz
