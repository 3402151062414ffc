-- The key with SHA-256 $1 (hexadecimal) or id $2, and its user. A key's text is not unique in the table; a usable key is
-- preferred. Lookup by hash keeps the time of the comparison from revealing anything about the key.
SELECT u.id, u.name, u.description, u.role, k.id, encode(sha256(convert_to(k.key, 'UTF8')), 'hex'),
       k.deleted_at IS NULL AND coalesce(k.is_enabled, false) AND (k.expires_at IS NULL OR k.expires_at > now())
         AND u.deleted_at IS NULL AND u.is_enabled AND (u.expires_at IS NULL OR u.expires_at > now()) AS is_usable,
       coalesce(u.role = 'admin', false) AND coalesce(k.can_login_web_ui, false) AS is_administrator
  FROM public.keys k
  JOIN public.users u ON u.id = k.user_id
 WHERE CASE WHEN $1::text IS NOT NULL THEN sha256(convert_to(k.key, 'UTF8')) = decode($1::text, 'hex')
            ELSE k.id = $2::bigint END
 ORDER BY is_usable DESC, is_administrator DESC, k.id
 LIMIT 1
