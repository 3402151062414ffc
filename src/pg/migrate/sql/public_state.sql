-- Whose tables are in public: 'empty' (no schema has relations of users), 'hub' (tables with the names of the hub's that this
-- program uses, each with the columns that v0.5.2 has and our migrations need), or 'other'.
WITH expected (relation, columns) AS (
  VALUES
    ('users', '{id,name,role,tags,is_enabled,expires_at,created_at,deleted_at}'::pg_catalog.name[]),
    ('keys', '{id,user_id,key,name,is_enabled,can_login_web_ui,created_at,deleted_at}'),
    ('provider_vendors', '{id,website_domain,created_at}'),
    ('providers', '{id,name,url,key,is_enabled,weight,priority,group_tag,provider_type,provider_vendor_id,created_at,deleted_at}'),
    ('model_prices', '{id,model_name,price_data,source,created_at}'),
    ('message_request', '{id,provider_id,user_id,key,model,endpoint,session_id,request_sequence,status_code,blocked_by,cost_usd,created_at,updated_at,deleted_at}'),
    ('system_settings', '{id,site_title}'),
    ('provider_endpoints', '{id,vendor_id,provider_type,url,deleted_at}')
), found AS (
  SELECT c.relkind IN ('r', 'p') AND e.columns <@ ARRAY(
           SELECT a.attname FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS is_hubs
  FROM expected e JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass('public.' || e.relation)
)
SELECT CASE
  WHEN EXISTS (SELECT FROM found WHERE NOT is_hubs) THEN 'other'
  WHEN EXISTS (SELECT FROM found) THEN 'hub'
  WHEN EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname NOT IN ('information_schema', 'cch_data') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')) THEN 'other'
  ELSE 'empty'
END
