SELECT user_id, coalesce(provider_group, '') FROM public.keys WHERE user_id = ANY ($1::int4[]) AND deleted_at IS NULL
