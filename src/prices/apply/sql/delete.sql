DELETE FROM public.model_prices WHERE model_name = $1
