#include "prices/format/cloud_table.h"

#include "base/exact/decimal.h"
#include "prices/format/model.h"

#include <string.h>

enum { MAX_ALIASES = 64, COST_DIGITS = 12 };

/* What a charge becomes. A tier or a priority has a field of its own only where the hub knows one. */
typedef struct {
  const char *charge, *unit;
  const char *field; /* NULL: see set_search */
  const char *factor;
  gboolean is_billable; /* a variant with nothing else has no price */
  gboolean has_tiers, has_priority;
} ChargeRule;

static const ChargeRule rules[] = {
    {"prompt", "per_M_tokens", "input_cost_per_token", "1e-6", TRUE, TRUE, TRUE},
    {"completion", "per_M_tokens", "output_cost_per_token", "1e-6", TRUE, TRUE, TRUE},
    {"cache_read", "per_M_tokens", "cache_read_input_token_cost", "1e-6", TRUE, TRUE, TRUE},
    {"cache_write", "per_M_tokens", "cache_creation_input_token_cost", "1e-6", TRUE, TRUE, FALSE},
    {"cache_write_1h", "per_M_tokens", "cache_creation_input_token_cost_above_1hr", "1e-6", TRUE, TRUE, FALSE},
    {"image_input", "per_M_tokens", "input_cost_per_image_token", "1e-6", TRUE, FALSE, FALSE},
    {"image_input", "per_image", "input_cost_per_image", "1", TRUE, FALSE, FALSE},
    {"image_output", "per_M_tokens", "output_cost_per_image_token", "1e-6", TRUE, FALSE, FALSE},
    {"image_output", "per_image", "output_cost_per_image", "1", TRUE, FALSE, FALSE},
    {"request", "per_request", "input_cost_per_request", "1", TRUE, FALSE, FALSE},
    {"web_search", "per_k_calls", NULL, "1e-3", TRUE, FALSE, FALSE},
    /* The later one counts where both are there. */
    {"file_search", "per_k_calls", "file_search_cost_per_1k_calls", "1", FALSE, FALSE, FALSE},
    {"file_search_call", "per_k_calls", "file_search_cost_per_1k_calls", "1", FALSE, FALSE, FALSE},
};

/* A capability that is true, and the fields that say so. */
static const struct {
  const char *capability, *field, *other_field;
} capabilities[] = {
    {"assistant_prefill", "supports_assistant_prefill", NULL},
    {"computer_use", "supports_computer_use", NULL},
    {"function_calling", "supports_function_calling", "supports_tool_choice"},
    {"pdf_input", "supports_pdf_input", NULL},
    {"prompt_caching", "supports_prompt_caching", NULL},
    {"reasoning", "supports_reasoning", NULL},
    {"structured_output", "supports_response_schema", NULL},
    {"vision", "supports_vision", NULL},
    {"audio_input", "supports_audio_input", NULL},
    {"audio_output", "supports_audio_output", NULL},
    {"video_input", "supports_video_input", NULL},
    {"web_search", "supports_web_search", NULL},
};

/* Fields in order, each with its JSON. Setting one again keeps its place. */
typedef struct {
  char *name, *json;
} Field;

void
cloud_model_clear(CloudModel *model)
{
  g_free(model->name);
  g_free(model->json);
  g_strfreev(model->aliases);
  *model = (CloudModel){0};
}

gboolean
cloud_model_beats(const CloudModel *a, const CloudModel *b)
{
  if (a->is_official != b->is_official)
    return a->is_official;
  if (a->has_vendor != b->has_vendor)
    return a->has_vendor;
  return a->n_variants > b->n_variants;
}

static void
clear_field(gpointer data)
{
  g_free(((Field *)data)->name);
  g_free(((Field *)data)->json);
}

static GArray *
fields_new(void)
{
  GArray *fields = g_array_new(FALSE, FALSE, sizeof(Field));
  g_array_set_clear_func(fields, clear_field);
  return fields;
}

/* Takes `json`. */
static void
set_json(GArray *fields, const char *name, const char *suffix, char *json)
{
  g_autofree char *whole = g_strconcat(name, suffix, NULL);
  for (guint i = 0; i < fields->len; i++) {
    Field *field = &g_array_index(fields, Field, i);
    if (strcmp(field->name, whole) == 0) {
      g_free(field->json);
      field->json = json;
      return;
    }
  }
  Field field = {g_steal_pointer(&whole), json};
  g_array_append_val(fields, field);
}

static void
set_string(GArray *fields, const char *name, const char *text)
{
  g_autoptr(GString) json = g_string_new(NULL);
  if (text == NULL)
    return;
  json_quote(json, text);
  set_json(fields, name, "", g_string_free(g_steal_pointer(&json), FALSE));
}

static void
set_true(GArray *fields, const char *name, gboolean is_true)
{
  if (name != NULL && is_true)
    set_json(fields, name, "", g_strdup("true"));
}

static char *
fields_to_json(const GArray *fields)
{
  g_autoptr(GString) out = g_string_new("{");
  for (guint i = 0; i < fields->len; i++) {
    const Field *field = &g_array_index(fields, Field, i);
    if (i > 0)
      g_string_append_c(out, ',');
    json_quote(out, field->name);
    g_string_append_printf(out, ":%s", field->json);
  }
  g_string_append_c(out, '}');
  return g_string_free(g_steal_pointer(&out), FALSE);
}

/* A price or a factor: the table writes them as strings. */
static gboolean
read_decimal(const JsonTree *tree, Decimal *ret_decimal)
{
  return tree != NULL && tree->type == JSON_TOKEN_STRING && decimal_parse(tree->text, ret_decimal);
}

/* The factor of a charge in a track: its own, else the track's. FALSE when the one that counts is no number. */
static gboolean
find_factor(const JsonTree *track, const char *charge, Decimal *ret_factor)
{
  const JsonTree *own = json_tree_get(json_tree_get(track, "charge_factors"), charge);
  return read_decimal(own != NULL ? own : json_tree_get(track, "factor"), ret_factor);
}

static gboolean
is_in_dollars(const JsonTree *charge)
{
  const char *currency = json_tree_string(json_tree_get(charge, "currency"));
  return currency == NULL || strcmp(currency, "USD") == 0;
}

/* The three sizes of a search cost the same there. */
static void
set_search(GArray *fields, const char *cost)
{
  set_json(fields, "search_context_cost_per_query", "",
           g_strdup_printf("{\"search_context_size_low\":%s,\"search_context_size_medium\":%s,"
                           "\"search_context_size_high\":%s}",
                           cost, cost, cost));
}

/* Price × factor × unit, with as many digits as the hub keeps. */
static char *
cost_of(const Decimal *price, const Decimal *factor, const char *unit_factor)
{
  g_auto(Decimal) unit = {0};
  g_auto(Decimal) tracked = {0};
  g_auto(Decimal) exact = {0};
  g_auto(Decimal) cost = {0};
  decimal_parse(unit_factor, &unit);
  decimal_multiply(price, factor, &tracked);
  decimal_multiply(&tracked, &unit, &exact);
  decimal_round(&exact, COST_DIGITS, &cost);
  return decimal_to_text(&cost);
}

typedef enum { TRACK_ALWAYS, TRACK_TIER, TRACK_PRIORITY, TRACK_PRIORITY_TIER, TRACK_UNKNOWN } TrackKind;

/* "_above_200k_tokens" for a threshold of 200,000 or 200,001 tokens; NULL for one that has no field. */
static const char *
tier_suffix(const JsonTree *threshold)
{
  g_auto(Decimal) number = {0};
  if (threshold == NULL || threshold->type != JSON_TOKEN_NUMBER || !decimal_parse(threshold->text, &number))
    return NULL;
  g_autofree char *tokens = decimal_to_text(&number);
  if (strcmp(tokens, "200000") == 0 || strcmp(tokens, "200001") == 0)
    return "_above_200k_tokens";
  if (strcmp(tokens, "272000") == 0 || strcmp(tokens, "272001") == 0)
    return "_above_272k_tokens";
  return NULL;
}

static gboolean
asks_for_priority(const JsonTree *trigger)
{
  const char *pattern = json_tree_string(json_tree_get(trigger, "pattern"));
  return g_strcmp0(json_tree_string(json_tree_get(trigger, "kind")), "body_matches") == 0 &&
         g_strcmp0(json_tree_string(json_tree_get(trigger, "field")), "service_tier") == 0 && pattern != NULL &&
         strstr(pattern, "priority") != NULL;
}

/* All triggers of a track together. A header goes along with a threshold and changes nothing; alone it has no field. */
static TrackKind
track_kind(const JsonTree *track, const char **ret_tier)
{
  const JsonTree *triggers = json_tree_get(track, "triggers");
  gboolean is_priority = FALSE;
  *ret_tier = NULL;
  if (json_tree_size(triggers) == 0)
    return TRACK_ALWAYS;
  for (guint i = 0; i < json_tree_size(triggers); i++) {
    const JsonTree *trigger = json_tree_child(triggers, i);
    const char *kind = json_tree_string(json_tree_get(trigger, "kind"));
    if (g_strcmp0(kind, "input_tokens_above") == 0)
      *ret_tier = tier_suffix(json_tree_get(trigger, "threshold"));
    if (g_strcmp0(kind, "input_tokens_above") == 0 && *ret_tier == NULL)
      return TRACK_UNKNOWN;
    is_priority |= asks_for_priority(trigger);
    if (g_strcmp0(kind, "input_tokens_above") != 0 && g_strcmp0(kind, "header_matches") != 0 &&
        !asks_for_priority(trigger))
      return TRACK_UNKNOWN;
  }
  if (*ret_tier != NULL)
    return is_priority ? TRACK_PRIORITY_TIER : TRACK_TIER;
  return is_priority ? TRACK_PRIORITY : TRACK_UNKNOWN;
}

/* The price of a charge that counts under a rule. */
static gboolean
read_price(const JsonTree *variant, const ChargeRule *rule, Decimal *ret_price)
{
  const JsonTree *charge = json_tree_get(json_tree_get(variant, "charges"), rule->charge);
  g_auto(Decimal) price = {0};
  if (g_strcmp0(json_tree_string(json_tree_get(charge, "unit")), rule->unit) != 0 || !is_in_dollars(charge) ||
      !read_decimal(json_tree_get(charge, "price"), &price) || price.is_negative)
    return FALSE;
  *ret_price = price;
  price = (Decimal){0};
  return TRUE;
}

/* The charges without a tier, under the track that always holds (NULL: none); TRUE when one of them can be billed. */
static gboolean
set_base_costs(GArray *fields, const JsonTree *variant, const JsonTree *always)
{
  gboolean is_billable = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
    g_auto(Decimal) price = {0};
    g_auto(Decimal) factor = {0};
    if (!read_price(variant, &rules[i], &price))
      continue;
    gboolean is_search = rules[i].field == NULL || !rules[i].is_billable;
    if (is_search || always == NULL || !find_factor(always, rules[i].charge, &factor) || factor.is_negative) {
      decimal_clear(&factor);
      decimal_parse("1", &factor);
    }
    g_autofree char *cost = cost_of(&price, &factor, rules[i].factor);
    if (rules[i].field == NULL)
      set_search(fields, cost);
    else
      set_json(fields, rules[i].field, "", g_steal_pointer(&cost));
    is_billable |= rules[i].is_billable;
  }
  return is_billable;
}

/* The charges of a track with triggers; the last of several for one field counts. */
static gboolean
set_track_costs(GArray *fields, const JsonTree *variant, const JsonTree *track)
{
  const char *tier = NULL;
  TrackKind kind = track_kind(track, &tier);
  if (kind == TRACK_ALWAYS || kind == TRACK_UNKNOWN)
    return FALSE;
  gboolean is_priority = kind != TRACK_TIER, is_any = FALSE;
  g_autofree char *suffix = g_strconcat(tier != NULL ? tier : "", is_priority ? "_priority" : "", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
    g_auto(Decimal) price = {0};
    g_auto(Decimal) factor = {0};
    if (!(is_priority ? rules[i].has_priority : rules[i].has_tiers) || !read_price(variant, &rules[i], &price) ||
        !find_factor(track, rules[i].charge, &factor) || factor.is_negative)
      continue;
    set_json(fields, rules[i].field, suffix, cost_of(&price, &factor, rules[i].factor));
    is_any = TRUE;
  }
  return is_any;
}

/* A variant's costs; FALSE when nothing in it can be billed. */
static gboolean
set_costs(GArray *fields, const JsonTree *variant)
{
  const JsonTree *tracks = json_tree_get(variant, "tracks"), *always = NULL;
  const char *tier = NULL;
  for (guint i = 0; i < json_tree_size(tracks) && always == NULL; i++)
    if (track_kind(json_tree_child(tracks, i), &tier) == TRACK_ALWAYS)
      always = json_tree_child(tracks, i);
  gboolean is_billable = set_base_costs(fields, variant, always);
  for (guint i = 0; i < json_tree_size(tracks); i++)
    is_billable |= set_track_costs(fields, variant, json_tree_child(tracks, i));
  return is_billable;
}

static gboolean
is_true(const JsonTree *tree)
{
  return tree != NULL && tree->type == JSON_TOKEN_TRUE;
}

/* "openai" or "azure@eastus". */
static char *
variant_key(const JsonTree *variant)
{
  const char *provider = json_tree_string(json_tree_get(variant, "provider"));
  const char *region = json_tree_string(json_tree_get(variant, "region"));
  if (provider == NULL)
    return NULL;
  return region != NULL ? g_strdup_printf("%s@%s", provider, region) : g_strdup(provider);
}

/* `providers`: the keys of `pricing`, in order. */
static char *
provider_list(const GArray *pricing)
{
  g_autoptr(GString) out = g_string_new("[");
  for (guint i = 0; i < pricing->len; i++) {
    if (i > 0)
      g_string_append_c(out, ',');
    json_quote(out, g_array_index(pricing, Field, i).name);
  }
  g_string_append_c(out, ']');
  return g_string_free(g_steal_pointer(&out), FALSE);
}

/* All variants that can be billed into `pricing`, and the costs of the one that counts into `model`: the first official
 * one, else the first. Of two with one key the last is kept. */
static gboolean
set_pricing(GArray *model, const JsonTree *variants)
{
  g_autoptr(GArray) pricing = fields_new();
  const JsonTree *official = NULL, *first = NULL;
  g_autofree char *official_key = NULL, *first_key = NULL;
  for (guint i = 0; i < json_tree_size(variants); i++) {
    const JsonTree *variant = json_tree_child(variants, i);
    g_autofree char *key = variant_key(variant);
    g_autoptr(GArray) node = fields_new();
    if (key == NULL || !set_costs(node, variant))
      continue;
    gboolean is_official = is_true(json_tree_get(variant, "official"));
    set_true(node, "official", is_official);
    set_string(node, "provider_model_id", json_tree_string(json_tree_get(variant, "provider_model_id")));
    set_json(pricing, key, "", fields_to_json(node));
    if (is_official && official == NULL) {
      official = variant;
      official_key = g_strdup(key);
    }
    if (first == NULL || g_strcmp0(first_key, key) == 0) {
      first = variant;
      g_free(first_key);
      first_key = g_steal_pointer(&key);
    }
  }
  if (first == NULL)
    return FALSE;
  set_costs(model, official != NULL ? official : first);
  set_json(model, "providers", "", provider_list(pricing));
  set_json(model, "pricing", "", fields_to_json(pricing));
  set_json(model, "official_pricing_provider", "", g_strdup("null"));
  set_string(model, "official_pricing_provider", official_key);
  return TRUE;
}

static void
copy_number(GArray *fields, const char *name, const JsonTree *value)
{
  g_autoptr(GString) json = g_string_new(NULL);
  if (value == NULL || value->type != JSON_TOKEN_NUMBER)
    return;
  json_tree_write(value, json);
  set_json(fields, name, "", g_string_free(g_steal_pointer(&json), FALSE));
}

static const char *
mode_of(const JsonTree *entry)
{
  const char *type = json_tree_string(json_tree_get(entry, "model_type"));
  if (type == NULL)
    return "chat";
  return strcmp(type, "image") == 0 ? "image_generation" : type;
}

/* The vendor's icon as the table's `providers` have it. The hub has a list of its own for vendors without one, which
 * it looks up when it shows them. */
static void
set_icon(GArray *fields, const JsonTree *vendor)
{
  const char *icon = json_tree_string(json_tree_get(vendor, "icon"));
  set_string(fields, "vendor_icon", icon);
  set_true(fields, "vendor_icon_mono", icon != NULL && is_true(json_tree_get(vendor, "icon_mono")));
}

static void
set_aliases(GArray *fields, char *const *aliases)
{
  g_autoptr(GString) out = g_string_new("[");
  for (guint i = 0; aliases[i] != NULL; i++) {
    if (i > 0)
      g_string_append_c(out, ',');
    json_quote(out, aliases[i]);
  }
  g_string_append_c(out, ']');
  if (aliases[0] != NULL)
    set_json(fields, "aliases", "", g_string_free(g_steal_pointer(&out), FALSE));
}

static void
set_description(GArray *fields, const JsonTree *entry, const CloudModel *model, const JsonTree *providers)
{
  const char *display_name = json_tree_string(json_tree_get(entry, "display_name"));
  const char *vendor = json_tree_string(json_tree_get(entry, "vendor"));
  set_string(fields, "mode", mode_of(entry));
  set_string(fields, "display_name", display_name != NULL ? display_name : model->name);
  set_string(fields, "vendor", vendor);
  set_string(fields, "slug", json_tree_string(json_tree_get(entry, "slug")));
  set_icon(fields, json_tree_get(providers, vendor));
  set_aliases(fields, model->aliases);
  set_string(fields, "model_family", json_tree_string(json_tree_get(entry, "family")));
  copy_number(fields, "max_input_tokens", json_tree_get(entry, "max_input_tokens"));
  copy_number(fields, "max_output_tokens", json_tree_get(entry, "max_output_tokens"));
  copy_number(fields, "max_tokens", json_tree_get(entry, "max_output_tokens"));
  set_true(fields, "deprecated", is_true(json_tree_get(entry, "deprecated")));
  set_string(fields, "knowledge_cutoff", json_tree_string(json_tree_get(entry, "knowledge_cutoff")));
  for (gsize i = 0; i < G_N_ELEMENTS(capabilities); i++) {
    gboolean has = is_true(json_tree_get(json_tree_get(entry, "capabilities"), capabilities[i].capability));
    set_true(fields, capabilities[i].field, has);
    set_true(fields, capabilities[i].other_field, has);
  }
}

/* The first names besides the model's own. */
static char **
read_aliases(const JsonTree *entry, const char *name)
{
  const JsonTree *aliases = json_tree_get(entry, "aliases");
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (guint i = 0; aliases != NULL && aliases->type == JSON_TOKEN_ARRAY && i < json_tree_size(aliases); i++) {
    const char *alias = json_tree_string(json_tree_child(aliases, i));
    g_autofree char *trimmed = alias != NULL ? price_name_trim(alias) : NULL;
    if (trimmed != NULL && *trimmed != '\0' && strcmp(alias, name) != 0 && names->len < MAX_ALIASES)
      g_ptr_array_add(names, g_strdup(alias));
  }
  g_ptr_array_add(names, NULL);
  return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static gboolean
is_any_official(const JsonTree *pricing)
{
  for (guint i = 0; i < json_tree_size(pricing); i++)
    if (is_true(json_tree_get(json_tree_child(pricing, i), "official")))
      return TRUE;
  return FALSE;
}

static gboolean
has_other_currency(const JsonTree *pricing)
{
  for (guint i = 0; i < json_tree_size(pricing); i++) {
    const JsonTree *charges = json_tree_get(json_tree_child(pricing, i), "charges");
    for (guint j = 0; j < json_tree_size(charges); j++)
      if (!is_in_dollars(json_tree_child(charges, j)))
        return TRUE;
  }
  return FALSE;
}

gboolean
cloud_model_read(const JsonTree *entry, const JsonTree *providers, CloudModel *ret_model)
{
  const JsonTree *pricing = json_tree_get(entry, "pricing");
  const char *vendor = json_tree_string(json_tree_get(entry, "vendor"));
  CloudModel model = {.name = g_strdup(json_tree_string(json_tree_get(entry, "model_name"))),
                      .has_vendor = vendor != NULL && strcmp(vendor, "other") != 0};
  if (model.name == NULL || vendor == NULL || json_tree_string(json_tree_get(entry, "slug")) == NULL ||
      pricing == NULL || pricing->type != JSON_TOKEN_ARRAY) {
    *ret_model = model;
    return FALSE;
  }
  model.aliases = read_aliases(entry, model.name);
  model.is_official = is_any_official(pricing);
  model.n_variants = json_tree_size(pricing);
  model.has_other_currency = has_other_currency(pricing);
  g_autoptr(GArray) fields = fields_new();
  if (set_pricing(fields, pricing)) {
    set_description(fields, entry, &model, providers);
    model.json = fields_to_json(fields);
  }
  *ret_model = model;
  return TRUE;
}
