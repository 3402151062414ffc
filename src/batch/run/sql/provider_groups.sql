-- The names in the group tags ($1) that the hub's table of groups lacks.
INSERT INTO public.provider_groups (name)
SELECT DISTINCT btrim(part.name) FROM unnest($1::text[]) AS tag, regexp_split_to_table(tag, ',') AS part (name)
WHERE btrim(part.name) <> '' AND length(btrim(part.name)) <= 200
  AND NOT EXISTS (SELECT FROM public.provider_groups AS g WHERE g.name = btrim(part.name))
ON CONFLICT DO NOTHING
