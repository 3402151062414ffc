SELECT id FROM public.users WHERE id IN (SELECT user_id FROM public.keys WHERE id = ANY ($1::int4[]))
ORDER BY id FOR NO KEY UPDATE
