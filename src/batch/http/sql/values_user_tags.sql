-- The tags of users with the number of users of each, as JSON.
SELECT coalesce(json_agg(json_build_object('value', value, 'count', n) ORDER BY lower(value), value), '[]')
  FROM (SELECT tag AS value, count(*) AS n
          FROM public.users AS u, jsonb_array_elements_text(CASE jsonb_typeof(u.tags) WHEN 'array' THEN u.tags END) AS tag
         WHERE u.deleted_at IS NULL GROUP BY tag) AS found
