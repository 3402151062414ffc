-- The hub's tables of this area as hub v0.9.2 has them: made where they are missing, and given the columns that an older
-- hub's tables lack. Runs again after an import has replaced public, so every statement can be repeated.

DO $$
BEGIN
  IF pg_catalog.to_regtype('public.daily_reset_mode') IS NULL THEN
    CREATE TYPE public.daily_reset_mode AS ENUM ('fixed', 'rolling');
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.users (
  id serial PRIMARY KEY,
  name varchar NOT NULL,
  description text,
  role varchar DEFAULT 'user',
  rpm_limit integer,
  daily_limit_usd numeric(10,2),
  provider_group varchar(200) DEFAULT 'default',
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  deleted_at timestamptz,
  limit_5h_usd numeric(10,2),
  limit_weekly_usd numeric(10,2),
  limit_monthly_usd numeric(10,2),
  limit_concurrent_sessions integer,
  tags jsonb DEFAULT '[]',
  limit_total_usd numeric(10,2),
  is_enabled boolean DEFAULT true NOT NULL,
  expires_at timestamptz,
  allowed_clients jsonb DEFAULT '[]',
  daily_reset_mode public.daily_reset_mode DEFAULT 'fixed' NOT NULL,
  daily_reset_time varchar(5) DEFAULT '00:00' NOT NULL,
  allowed_models jsonb DEFAULT '[]',
  blocked_clients jsonb DEFAULT '[]' NOT NULL,
  cost_reset_at timestamptz,
  limit_5h_reset_mode public.daily_reset_mode DEFAULT 'rolling' NOT NULL,
  limit_5h_cost_reset_at timestamptz
);

CREATE TABLE IF NOT EXISTS public.keys (
  id serial PRIMARY KEY,
  user_id integer NOT NULL,
  key varchar NOT NULL,
  name varchar NOT NULL,
  is_enabled boolean DEFAULT true,
  expires_at timestamptz,
  limit_5h_usd numeric(10,2),
  limit_weekly_usd numeric(10,2),
  limit_monthly_usd numeric(10,2),
  limit_concurrent_sessions integer DEFAULT 0,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  deleted_at timestamptz,
  can_login_web_ui boolean DEFAULT false,
  daily_reset_mode public.daily_reset_mode DEFAULT 'fixed' NOT NULL,
  limit_daily_usd numeric(10,2),
  daily_reset_time varchar(5) DEFAULT '00:00' NOT NULL,
  limit_total_usd numeric(10,2),
  provider_group varchar(200) DEFAULT 'default',
  cache_ttl_preference varchar(10),
  cost_reset_at timestamptz,
  limit_5h_reset_mode public.daily_reset_mode DEFAULT 'rolling' NOT NULL
);

CREATE TABLE IF NOT EXISTS public.provider_vendors (
  id serial PRIMARY KEY,
  website_domain varchar(255) NOT NULL,
  display_name varchar(200),
  website_url text,
  favicon_url text,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.providers (
  id serial PRIMARY KEY,
  name varchar NOT NULL,
  description text,
  url varchar NOT NULL,
  key varchar NOT NULL,
  is_enabled boolean DEFAULT true NOT NULL,
  weight integer DEFAULT 1 NOT NULL,
  priority integer DEFAULT 0 NOT NULL,
  cost_multiplier numeric(10,4) DEFAULT 1.0,
  group_tag varchar(255),
  provider_type varchar(20) DEFAULT 'claude' NOT NULL,
  model_redirects jsonb,
  limit_5h_usd numeric(10,2),
  limit_weekly_usd numeric(10,2),
  limit_monthly_usd numeric(10,2),
  limit_concurrent_sessions integer DEFAULT 0,
  tpm integer DEFAULT 0,
  rpm integer DEFAULT 0,
  rpd integer DEFAULT 0,
  cc integer DEFAULT 0,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  deleted_at timestamptz,
  allowed_models jsonb DEFAULT 'null',
  circuit_breaker_failure_threshold integer DEFAULT 5,
  circuit_breaker_open_duration integer DEFAULT 1800000,
  circuit_breaker_half_open_success_threshold integer DEFAULT 2,
  proxy_url varchar(512),
  proxy_fallback_to_direct boolean DEFAULT false,
  codex_instructions_strategy varchar(20) DEFAULT 'auto',
  website_url text,
  favicon_url text,
  first_byte_timeout_streaming_ms integer DEFAULT 0 NOT NULL,
  streaming_idle_timeout_ms integer DEFAULT 0 NOT NULL,
  request_timeout_non_streaming_ms integer DEFAULT 0 NOT NULL,
  mcp_passthrough_type varchar(20) DEFAULT 'none' NOT NULL,
  mcp_passthrough_url varchar(512),
  daily_reset_mode public.daily_reset_mode DEFAULT 'fixed' NOT NULL,
  limit_daily_usd numeric(10,2),
  daily_reset_time varchar(5) DEFAULT '00:00' NOT NULL,
  max_retry_attempts integer,
  cache_ttl_preference varchar(10),
  preserve_client_ip boolean DEFAULT false NOT NULL,
  context_1m_preference varchar(20),
  limit_total_usd numeric(10,2),
  total_cost_reset_at timestamptz,
  codex_reasoning_effort_preference varchar(20),
  codex_reasoning_summary_preference varchar(20),
  codex_text_verbosity_preference varchar(10),
  codex_parallel_tool_calls_preference varchar(10),
  provider_vendor_id integer,
  anthropic_max_tokens_preference varchar(20),
  anthropic_thinking_budget_preference varchar(20),
  gemini_google_search_preference varchar(20),
  group_priorities jsonb DEFAULT 'null',
  anthropic_adaptive_thinking jsonb,
  swap_cache_ttl_billing boolean DEFAULT false NOT NULL,
  allowed_clients jsonb DEFAULT '[]' NOT NULL,
  blocked_clients jsonb DEFAULT '[]' NOT NULL,
  active_time_start varchar(5),
  active_time_end varchar(5),
  codex_service_tier_preference varchar(20),
  disable_session_reuse boolean DEFAULT false NOT NULL,
  limit_5h_reset_mode public.daily_reset_mode DEFAULT 'rolling' NOT NULL,
  custom_headers jsonb,
  codex_image_generation_preference varchar(10)
);

CREATE TABLE IF NOT EXISTS public.model_prices (
  id serial PRIMARY KEY,
  model_name varchar NOT NULL,
  price_data jsonb NOT NULL,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  source varchar(20) DEFAULT 'cloud' NOT NULL
);

CREATE TABLE IF NOT EXISTS public.message_request (
  id serial PRIMARY KEY,
  provider_id integer NOT NULL,
  user_id integer NOT NULL,
  key varchar NOT NULL,
  model varchar(128),
  duration_ms integer,
  cost_usd numeric(21,15) DEFAULT '0',
  provider_chain jsonb,
  status_code integer,
  api_type varchar(20),
  input_tokens bigint,
  output_tokens bigint,
  cache_creation_input_tokens bigint,
  cache_read_input_tokens bigint,
  error_message text,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  deleted_at timestamptz,
  session_id varchar(64),
  blocked_by varchar(50),
  blocked_reason text,
  cost_multiplier numeric(10,4),
  original_model varchar(128),
  user_agent varchar(512),
  messages_count integer,
  endpoint varchar(256),
  cache_creation_5m_input_tokens bigint,
  cache_creation_1h_input_tokens bigint,
  cache_ttl_applied varchar(10),
  request_sequence integer DEFAULT 1,
  context_1m_applied boolean DEFAULT false,
  error_stack text,
  error_cause text,
  ttfb_ms integer,
  special_settings jsonb,
  swap_cache_ttl_applied boolean DEFAULT false,
  group_cost_multiplier numeric(10,4),
  cost_breakdown jsonb,
  client_ip varchar(45),
  actual_response_model varchar(128),
  hedge_losers jsonb,
  routing_trace jsonb,
  cache_compatibility_key varchar(64),
  cache_score_eligible boolean,
  cache_score_excluded_reason varchar(32),
  theoretical_cache_tokens bigint,
  cache_ttl_bucket varchar(10),
  first_byte_ms integer,
  session_identity varchar(64),
  session_identity_kind varchar(20),
  affinity_scope_tag varchar(16),
  affinity_fingerprint varchar(64),
  affinity_fingerprint_chain jsonb,
  is_replay boolean DEFAULT false NOT NULL,
  replay_source_request_id integer
);

CREATE TABLE IF NOT EXISTS public.system_settings (
  id serial PRIMARY KEY,
  site_title varchar(128) DEFAULT 'CC Hub' NOT NULL,
  allow_global_usage_view boolean DEFAULT false NOT NULL,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  currency_display varchar(10) DEFAULT 'USD' NOT NULL,
  enable_auto_cleanup boolean DEFAULT false,
  cleanup_retention_days integer DEFAULT 30,
  cleanup_schedule varchar(50) DEFAULT '0 2 * * *',
  cleanup_batch_size integer DEFAULT 10000,
  enable_client_version_check boolean DEFAULT false NOT NULL,
  billing_model_source varchar(20) DEFAULT 'original' NOT NULL,
  verbose_provider_error boolean DEFAULT false NOT NULL,
  enable_http2 boolean DEFAULT false NOT NULL,
  intercept_anthropic_warmup_requests boolean DEFAULT false NOT NULL,
  enable_response_fixer boolean DEFAULT true NOT NULL,
  response_fixer_config jsonb DEFAULT '{"maxFixSize": 1048576, "fixEncoding": true, "fixSseFormat": true, "maxJsonDepth": 200, "fixTruncatedJson": true}',
  enable_thinking_signature_rectifier boolean DEFAULT true NOT NULL,
  enable_codex_session_id_completion boolean DEFAULT true NOT NULL,
  quota_db_refresh_interval_seconds integer DEFAULT 10,
  quota_lease_percent_5h numeric(5,4) DEFAULT 0.05,
  quota_lease_percent_daily numeric(5,4) DEFAULT 0.05,
  quota_lease_percent_weekly numeric(5,4) DEFAULT 0.05,
  quota_lease_percent_monthly numeric(5,4) DEFAULT 0.05,
  quota_lease_cap_usd numeric(10,2),
  timezone varchar(64),
  enable_thinking_budget_rectifier boolean DEFAULT true NOT NULL,
  enable_claude_metadata_user_id_injection boolean DEFAULT true NOT NULL,
  enable_billing_header_rectifier boolean DEFAULT true NOT NULL,
  enable_response_input_rectifier boolean DEFAULT true NOT NULL,
  codex_priority_billing_source varchar(20) DEFAULT 'requested' NOT NULL,
  enable_high_concurrency_mode boolean DEFAULT false NOT NULL,
  ip_extraction_config jsonb,
  ip_geo_lookup_enabled boolean DEFAULT true NOT NULL,
  public_status_window_hours integer DEFAULT 24 NOT NULL,
  public_status_aggregation_interval_minutes integer DEFAULT 5 NOT NULL,
  pass_through_upstream_error_message boolean DEFAULT true NOT NULL,
  allow_non_conversation_endpoint_provider_fallback boolean DEFAULT true NOT NULL,
  fake_streaming_whitelist jsonb,
  enable_openai_responses_websocket boolean DEFAULT true NOT NULL,
  bill_non_successful_requests boolean DEFAULT false NOT NULL,
  bill_hedge_losers boolean DEFAULT true NOT NULL,
  enable_thinking_effort_conflict_rectifier boolean DEFAULT true NOT NULL,
  enable_gemini_function_id_rectifier boolean DEFAULT true NOT NULL,
  discovery_enabled boolean DEFAULT false NOT NULL,
  discovery_concurrency integer DEFAULT 2 NOT NULL,
  max_discovery_rounds integer DEFAULT 2 NOT NULL,
  discovery_sla_ms integer DEFAULT 10000 NOT NULL,
  sticky_sla_ms integer DEFAULT 20000 NOT NULL,
  racing_total_timeout_ms integer DEFAULT 60000 NOT NULL,
  sticky_timeout_cooldown_ms integer DEFAULT 300000 NOT NULL,
  stream_gate_mode varchar(10) DEFAULT 'enforce' NOT NULL,
  affinity_ignore_client_session_id boolean DEFAULT true NOT NULL,
  replay_enabled boolean,
  cache_effectiveness_enabled boolean
);

CREATE TABLE IF NOT EXISTS public.audit_log (
  id serial PRIMARY KEY,
  action_category varchar(32) NOT NULL,
  action_type varchar(64) NOT NULL,
  target_type varchar(32),
  target_id varchar(64),
  target_name varchar(256),
  before_value jsonb,
  after_value jsonb,
  operator_user_id integer,
  operator_user_name varchar(128),
  operator_key_id integer,
  operator_key_name varchar(128),
  operator_ip varchar(45),
  user_agent varchar(512),
  success boolean NOT NULL,
  error_message text,
  created_at timestamptz DEFAULT now() NOT NULL
);

-- What v0.9.2 has and v0.5 has not.

ALTER TABLE public.users
  ADD COLUMN IF NOT EXISTS blocked_clients jsonb DEFAULT '[]' NOT NULL,
  ADD COLUMN IF NOT EXISTS cost_reset_at timestamptz,
  ADD COLUMN IF NOT EXISTS limit_5h_reset_mode public.daily_reset_mode DEFAULT 'rolling' NOT NULL,
  ADD COLUMN IF NOT EXISTS limit_5h_cost_reset_at timestamptz;

ALTER TABLE public.keys
  ADD COLUMN IF NOT EXISTS cost_reset_at timestamptz,
  ADD COLUMN IF NOT EXISTS limit_5h_reset_mode public.daily_reset_mode DEFAULT 'rolling' NOT NULL;

ALTER TABLE public.providers
  ADD COLUMN IF NOT EXISTS anthropic_max_tokens_preference varchar(20),
  ADD COLUMN IF NOT EXISTS anthropic_thinking_budget_preference varchar(20),
  ADD COLUMN IF NOT EXISTS gemini_google_search_preference varchar(20),
  ADD COLUMN IF NOT EXISTS group_priorities jsonb DEFAULT 'null',
  ADD COLUMN IF NOT EXISTS anthropic_adaptive_thinking jsonb,
  ADD COLUMN IF NOT EXISTS swap_cache_ttl_billing boolean DEFAULT false NOT NULL,
  ADD COLUMN IF NOT EXISTS allowed_clients jsonb DEFAULT '[]' NOT NULL,
  ADD COLUMN IF NOT EXISTS blocked_clients jsonb DEFAULT '[]' NOT NULL,
  ADD COLUMN IF NOT EXISTS active_time_start varchar(5),
  ADD COLUMN IF NOT EXISTS active_time_end varchar(5),
  ADD COLUMN IF NOT EXISTS codex_service_tier_preference varchar(20),
  ADD COLUMN IF NOT EXISTS disable_session_reuse boolean DEFAULT false NOT NULL,
  ADD COLUMN IF NOT EXISTS limit_5h_reset_mode public.daily_reset_mode DEFAULT 'rolling' NOT NULL,
  ADD COLUMN IF NOT EXISTS custom_headers jsonb,
  ADD COLUMN IF NOT EXISTS codex_image_generation_preference varchar(10);

ALTER TABLE public.message_request
  ADD COLUMN IF NOT EXISTS swap_cache_ttl_applied boolean DEFAULT false,
  ADD COLUMN IF NOT EXISTS group_cost_multiplier numeric(10,4),
  ADD COLUMN IF NOT EXISTS cost_breakdown jsonb,
  ADD COLUMN IF NOT EXISTS client_ip varchar(45),
  ADD COLUMN IF NOT EXISTS actual_response_model varchar(128),
  ADD COLUMN IF NOT EXISTS hedge_losers jsonb,
  ADD COLUMN IF NOT EXISTS routing_trace jsonb,
  ADD COLUMN IF NOT EXISTS cache_compatibility_key varchar(64),
  ADD COLUMN IF NOT EXISTS cache_score_eligible boolean,
  ADD COLUMN IF NOT EXISTS cache_score_excluded_reason varchar(32),
  ADD COLUMN IF NOT EXISTS theoretical_cache_tokens bigint,
  ADD COLUMN IF NOT EXISTS cache_ttl_bucket varchar(10),
  ADD COLUMN IF NOT EXISTS first_byte_ms integer,
  ADD COLUMN IF NOT EXISTS session_identity varchar(64),
  ADD COLUMN IF NOT EXISTS session_identity_kind varchar(20),
  ADD COLUMN IF NOT EXISTS affinity_scope_tag varchar(16),
  ADD COLUMN IF NOT EXISTS affinity_fingerprint varchar(64),
  ADD COLUMN IF NOT EXISTS affinity_fingerprint_chain jsonb,
  ADD COLUMN IF NOT EXISTS is_replay boolean DEFAULT false NOT NULL,
  ADD COLUMN IF NOT EXISTS replay_source_request_id integer;

ALTER TABLE public.system_settings
  ADD COLUMN IF NOT EXISTS enable_thinking_budget_rectifier boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS enable_claude_metadata_user_id_injection boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS enable_billing_header_rectifier boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS enable_response_input_rectifier boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS codex_priority_billing_source varchar(20) DEFAULT 'requested' NOT NULL,
  ADD COLUMN IF NOT EXISTS enable_high_concurrency_mode boolean DEFAULT false NOT NULL,
  ADD COLUMN IF NOT EXISTS ip_extraction_config jsonb,
  ADD COLUMN IF NOT EXISTS ip_geo_lookup_enabled boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS public_status_window_hours integer DEFAULT 24 NOT NULL,
  ADD COLUMN IF NOT EXISTS public_status_aggregation_interval_minutes integer DEFAULT 5 NOT NULL,
  ADD COLUMN IF NOT EXISTS pass_through_upstream_error_message boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS allow_non_conversation_endpoint_provider_fallback boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS fake_streaming_whitelist jsonb,
  ADD COLUMN IF NOT EXISTS enable_openai_responses_websocket boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS bill_non_successful_requests boolean DEFAULT false NOT NULL,
  ADD COLUMN IF NOT EXISTS bill_hedge_losers boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS enable_thinking_effort_conflict_rectifier boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS enable_gemini_function_id_rectifier boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS discovery_enabled boolean DEFAULT false NOT NULL,
  ADD COLUMN IF NOT EXISTS discovery_concurrency integer DEFAULT 2 NOT NULL,
  ADD COLUMN IF NOT EXISTS max_discovery_rounds integer DEFAULT 2 NOT NULL,
  ADD COLUMN IF NOT EXISTS discovery_sla_ms integer DEFAULT 10000 NOT NULL,
  ADD COLUMN IF NOT EXISTS sticky_sla_ms integer DEFAULT 20000 NOT NULL,
  ADD COLUMN IF NOT EXISTS racing_total_timeout_ms integer DEFAULT 60000 NOT NULL,
  ADD COLUMN IF NOT EXISTS sticky_timeout_cooldown_ms integer DEFAULT 300000 NOT NULL,
  ADD COLUMN IF NOT EXISTS stream_gate_mode varchar(10) DEFAULT 'enforce' NOT NULL,
  ADD COLUMN IF NOT EXISTS affinity_ignore_client_session_id boolean DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS replay_enabled boolean,
  ADD COLUMN IF NOT EXISTS cache_effectiveness_enabled boolean;

-- What v0.9.2 defines otherwise; left alone where it is neither version's.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_attribute
             WHERE attrelid = 'public.providers'::pg_catalog.regclass AND attname = 'group_tag'
               AND pg_catalog.format_type(atttypid, atttypmod) = 'character varying(50)') THEN
    ALTER TABLE public.providers ALTER COLUMN group_tag TYPE varchar(255);
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_attrdef
             WHERE adrelid = 'public.model_prices'::pg_catalog.regclass
               AND pg_catalog.pg_get_expr(adbin, adrelid) = '''litellm''::character varying') THEN
    ALTER TABLE public.model_prices ALTER COLUMN source SET DEFAULT 'cloud';
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_attrdef
             WHERE adrelid = 'public.system_settings'::pg_catalog.regclass
               AND pg_catalog.pg_get_expr(adbin, adrelid) = '''Claude Code Hub''::character varying') THEN
    ALTER TABLE public.system_settings ALTER COLUMN site_title SET DEFAULT 'CC Hub';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint
                 WHERE contype = 'f' AND conrelid = 'public.providers'::pg_catalog.regclass
                   AND confrelid = 'public.provider_vendors'::pg_catalog.regclass) THEN
    ALTER TABLE public.providers
      ADD CONSTRAINT providers_provider_vendor_id_provider_vendors_id_fk
      FOREIGN KEY (provider_vendor_id) REFERENCES public.provider_vendors (id) ON DELETE RESTRICT;
  END IF;
END
$$;
