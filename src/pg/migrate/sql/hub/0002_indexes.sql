-- The indexes of hub v0.9.2 on the tables of this area.

CREATE INDEX IF NOT EXISTS idx_users_active_role_sort
  ON public.users (deleted_at, role, id)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_users_created_at
  ON public.users (created_at);
CREATE INDEX IF NOT EXISTS idx_users_deleted_at
  ON public.users (deleted_at);
CREATE INDEX IF NOT EXISTS idx_users_enabled_expires_at
  ON public.users (is_enabled, expires_at)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_users_tags_gin
  ON public.users USING gin (tags)
  WHERE deleted_at IS NULL;

CREATE INDEX IF NOT EXISTS idx_keys_created_at
  ON public.keys (created_at);
CREATE INDEX IF NOT EXISTS idx_keys_deleted_at
  ON public.keys (deleted_at);
CREATE INDEX IF NOT EXISTS idx_keys_key
  ON public.keys (key);
CREATE INDEX IF NOT EXISTS idx_keys_user_id
  ON public.keys (user_id);

CREATE INDEX IF NOT EXISTS idx_provider_vendors_created_at
  ON public.provider_vendors (created_at);
CREATE UNIQUE INDEX IF NOT EXISTS uniq_provider_vendors_website_domain
  ON public.provider_vendors (website_domain);

CREATE INDEX IF NOT EXISTS idx_providers_created_at
  ON public.providers (created_at);
CREATE INDEX IF NOT EXISTS idx_providers_deleted_at
  ON public.providers (deleted_at);
CREATE INDEX IF NOT EXISTS idx_providers_enabled_priority
  ON public.providers (is_enabled, priority, weight)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_providers_enabled_vendor_type
  ON public.providers (provider_vendor_id, provider_type)
  WHERE (deleted_at IS NULL) AND (is_enabled = true) AND (provider_vendor_id IS NOT NULL) AND (provider_vendor_id > 0);
CREATE INDEX IF NOT EXISTS idx_providers_group
  ON public.providers (group_tag)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_providers_vendor_type
  ON public.providers (provider_vendor_id, provider_type)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_providers_vendor_type_url_active
  ON public.providers (provider_vendor_id, provider_type, url)
  WHERE deleted_at IS NULL;

CREATE INDEX IF NOT EXISTS idx_model_prices_aliases
  ON public.model_prices USING gin (((price_data -> 'aliases')));
CREATE INDEX IF NOT EXISTS idx_model_prices_created_at
  ON public.model_prices (created_at DESC NULLS LAST);
CREATE INDEX IF NOT EXISTS idx_model_prices_latest
  ON public.model_prices (model_name, created_at DESC NULLS LAST);
CREATE INDEX IF NOT EXISTS idx_model_prices_model_name
  ON public.model_prices (model_name);
CREATE INDEX IF NOT EXISTS idx_model_prices_source
  ON public.model_prices (source);
CREATE INDEX IF NOT EXISTS idx_model_prices_vendor
  ON public.model_prices (((price_data ->> 'vendor')));

CREATE INDEX IF NOT EXISTS idx_message_request_blocked_by
  ON public.message_request (blocked_by)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_client_ip_created_at
  ON public.message_request (client_ip, created_at DESC NULLS LAST)
  WHERE (deleted_at IS NULL) AND (client_ip IS NOT NULL);
CREATE INDEX IF NOT EXISTS idx_message_request_created_at
  ON public.message_request (created_at);
CREATE INDEX IF NOT EXISTS idx_message_request_created_at_id_active
  ON public.message_request (created_at DESC NULLS LAST, id DESC NULLS LAST)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_cursor
  ON public.message_request (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_message_request_deleted_at
  ON public.message_request (deleted_at);
CREATE INDEX IF NOT EXISTS idx_message_request_endpoint
  ON public.message_request (endpoint)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_key
  ON public.message_request (key);
CREATE INDEX IF NOT EXISTS idx_message_request_key_cost_active
  ON public.message_request (key, cost_usd)
  WHERE (deleted_at IS NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_key_created_at_id
  ON public.message_request (key, created_at DESC NULLS LAST, id DESC NULLS LAST)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_key_endpoint_active
  ON public.message_request (key, endpoint)
  WHERE (deleted_at IS NULL) AND (endpoint IS NOT NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_key_last_active
  ON public.message_request (key, created_at DESC NULLS LAST)
  WHERE (deleted_at IS NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_key_model_active
  ON public.message_request (key, model)
  WHERE (deleted_at IS NULL) AND (model IS NOT NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_model_active
  ON public.message_request (model)
  WHERE (deleted_at IS NULL) AND (model IS NOT NULL);
CREATE INDEX IF NOT EXISTS idx_message_request_provider_created_at_active
  ON public.message_request (provider_id, created_at)
  WHERE (deleted_at IS NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_provider_created_at_finalized_active
  ON public.message_request (provider_id, created_at DESC NULLS LAST)
  WHERE (deleted_at IS NULL) AND (status_code IS NOT NULL);
CREATE INDEX IF NOT EXISTS idx_message_request_provider_id
  ON public.message_request (provider_id);
CREATE INDEX IF NOT EXISTS idx_message_request_proxy_status_active
  ON public.message_request (created_at DESC NULLS LAST, user_id)
  WHERE (deleted_at IS NULL) AND (is_replay = false) AND (status_code IS NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_proxy_status_latest
  ON public.message_request (user_id, updated_at DESC NULLS LAST, id DESC NULLS LAST)
  WHERE (deleted_at IS NULL) AND (is_replay = false) AND (status_code IS NOT NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_session_id
  ON public.message_request (session_id)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_session_id_prefix
  ON public.message_request (session_id varchar_pattern_ops)
  WHERE (deleted_at IS NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_session_identity_created_at
  ON public.message_request (COALESCE(session_identity, session_id), created_at DESC NULLS LAST, id DESC NULLS LAST)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_session_seq
  ON public.message_request (session_id, request_sequence)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_session_user_info
  ON public.message_request (session_id, created_at, user_id, key)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_status_code_active
  ON public.message_request (status_code)
  WHERE (deleted_at IS NULL) AND (status_code IS NOT NULL);
CREATE INDEX IF NOT EXISTS idx_message_request_user_created_at_cost_stats
  ON public.message_request (user_id, created_at, cost_usd)
  WHERE (deleted_at IS NULL) AND ((blocked_by IS NULL) OR (blocked_by <> 'warmup'));
CREATE INDEX IF NOT EXISTS idx_message_request_user_date_cost
  ON public.message_request (user_id, created_at, cost_usd)
  WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_message_request_user_id
  ON public.message_request (user_id);
CREATE INDEX IF NOT EXISTS idx_message_request_user_query
  ON public.message_request (user_id, created_at)
  WHERE deleted_at IS NULL;


CREATE INDEX IF NOT EXISTS idx_audit_log_category_created_at
  ON public.audit_log (action_category, created_at DESC NULLS LAST);
CREATE INDEX IF NOT EXISTS idx_audit_log_created_at_id
  ON public.audit_log (created_at DESC NULLS LAST, id DESC NULLS LAST);
CREATE INDEX IF NOT EXISTS idx_audit_log_operator_ip_created_at
  ON public.audit_log (operator_ip, created_at DESC NULLS LAST)
  WHERE operator_ip IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_audit_log_operator_user_created_at
  ON public.audit_log (operator_user_id, created_at DESC NULLS LAST)
  WHERE operator_user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_audit_log_target
  ON public.audit_log (target_type, target_id)
  WHERE target_type IS NOT NULL;
