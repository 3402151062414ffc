SELECT encode(sha256(convert_to(key, 'UTF8')), 'hex') FROM public.keys
WHERE user_id = ANY ($1::int4[]) OR id = ANY ($2::int4[])
