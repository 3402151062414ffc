-- Users who have a key that works: enabled, not deleted, not expired.
SELECT DISTINCT user_id FROM public.keys
WHERE user_id = ANY ($1::int4[]) AND is_enabled AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > now())
