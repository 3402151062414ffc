#include "prices/format/cloud_table.h"

#include "base/decimal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ALIASES = 64 };

typedef struct {
  const char *charge, *unit;
  const char *field; /* NULL: see write_search */
  const char *factor;
  gboolean has_tiers; /* tracks make a field of their own of it */
} ChargeRule;

static const ChargeRule rules[] = {
    {"prompt", "per_M_tokens", "input_cost_per_token", "1e-6", TRUE},
    {"completion", "per_M_tokens", "output_cost_per_token", "1e-6", TRUE},
    {"cache_read", "per_M_tokens", "cache_read_input_token_cost", "1e-6", TRUE},
    {"cache_write", "per_M_tokens", "cache_creation_input_token_cost", "1e-6", TRUE},
    {"cache_write_1h", "per_M_tokens", "cache_creation_input_token_cost_above_1hr", "1e-6", TRUE},
    {"image_input", "per_M_tokens", "input_cost_per_image_token", "1e-6", TRUE},
    {"image_input", "per_image", "input_cost_per_image", "1", FALSE},
    {"image_output", "per_M_tokens", "output_cost_per_image_token", "1e-6", TRUE},
    {"image_output", "per_image", "output_cost_per_image", "1", FALSE},
    {"request", "per_request", "input_cost_per_request", "1", FALSE},
    {"request", "per_k_calls", "input_cost_per_request", "1e-3", FALSE},
    {"file_search", "per_k_calls", "file_search_cost_per_1k_calls", "1", FALSE},
    {"web_search", "per_k_calls", NULL, "1e-3", FALSE},
    {"web_search", "per_request", NULL, "1", FALSE},
};

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

/* A price or a factor, be it a string or a number. */
static gboolean
read_decimal(const JsonTree *tree, Decimal *ret_decimal)
{
  return tree != NULL && (tree->type == JSON_TOKEN_STRING || tree->type == JSON_TOKEN_NUMBER) &&
         decimal_parse(tree->text, ret_decimal);
}

static void
write_name(GString *out, const char *name, const char *suffix)
{
  if (out->len > 0 && strchr("{[:", out->str[out->len - 1]) == NULL)
    g_string_append_c(out, ',');
  g_autofree char *whole = g_strconcat(name, suffix, NULL);
  json_quote(out, whole);
  g_string_append_c(out, ':');
}

/* The three sizes of a search cost the same there. */
static void
write_search(GString *out, const char *cost)
{
  write_name(out, "search_context_cost_per_query", "");
  g_string_append_printf(out,
                         "{\"search_context_size_low\":%s,\"search_context_size_medium\":%s,"
                         "\"search_context_size_high\":%s}",
                         cost, cost, cost);
}

/* The factor of a charge in a track: its own, else the track's; 1 without a track. */
static void
find_factor(const JsonTree *track, const char *charge, Decimal *ret_factor)
{
  if (!read_decimal(json_tree_get(json_tree_get(track, "charge_factors"), charge), ret_factor) &&
      !read_decimal(json_tree_get(track, "factor"), ret_factor))
    decimal_parse("1", ret_factor);
}

static gboolean
is_in_dollars(const JsonTree *charge)
{
  const char *currency = json_tree_string(json_tree_get(charge, "currency"));
  return currency == NULL || g_ascii_strcasecmp(currency, "USD") == 0;
}

/* One charge as its field. */
static gboolean
write_charge(GString *out, const ChargeRule *rule, const JsonTree *charge, const JsonTree *track, const char *suffix)
{
  g_auto(Decimal) price = {0};
  if (!read_decimal(json_tree_get(charge, "price"), &price) || price.is_negative)
    return FALSE;
  g_auto(Decimal) unit = {0};
  g_auto(Decimal) factor = {0};
  g_auto(Decimal) tracked = {0};
  g_auto(Decimal) cost = {0};
  decimal_parse(rule->factor, &unit);
  find_factor(track, rule->charge, &factor);
  decimal_multiply(&price, &factor, &tracked);
  decimal_multiply(&tracked, &unit, &cost);
  if (cost.is_negative)
    return FALSE;
  g_autofree char *text = decimal_to_text(&cost);
  if (rule->field == NULL) {
    write_search(out, text);
    return TRUE;
  }
  write_name(out, rule->field, suffix);
  g_string_append(out, text);
  return TRUE;
}

/* All charges of a variant under one track; TRUE when there was one. `tiers` leaves out what has no tiers. */
static gboolean
write_charges(GString *out, const JsonTree *variant, const JsonTree *track, const char *suffix, gboolean tiers)
{
  gboolean is_any = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
    const JsonTree *charge = json_tree_get(json_tree_get(variant, "charges"), rules[i].charge);
    const char *unit = json_tree_string(json_tree_get(charge, "unit"));
    if (unit == NULL || strcmp(unit, rules[i].unit) != 0 || !is_in_dollars(charge) || (tiers && !rules[i].has_tiers))
      continue;
    is_any |= write_charge(out, &rules[i], charge, track, suffix);
  }
  return is_any;
}

/* "_above_200k_tokens", "_priority", "" for a track that always holds; NULL for one that has no field. */
static const char *
track_suffix(const JsonTree *track)
{
  const JsonTree *triggers = json_tree_get(track, "triggers");
  if (json_tree_size(triggers) == 0)
    return "";
  const JsonTree *trigger = json_tree_size(triggers) == 1 ? json_tree_child(triggers, 0) : NULL;
  const char *kind = json_tree_string(json_tree_get(trigger, "kind"));
  const JsonTree *threshold = json_tree_get(trigger, "threshold");
  if (g_strcmp0(kind, "input_tokens_above") == 0 && threshold != NULL && threshold->text != NULL) {
    if (strcmp(threshold->text, "200000") == 0 || strcmp(threshold->text, "200001") == 0)
      return "_above_200k_tokens";
    if (strcmp(threshold->text, "272000") == 0 || strcmp(threshold->text, "272001") == 0)
      return "_above_272k_tokens";
  }
  const char *field = json_tree_string(json_tree_get(trigger, "field"));
  const char *pattern = json_tree_string(json_tree_get(trigger, "pattern"));
  if (g_strcmp0(kind, "body_matches") == 0 && g_strcmp0(field, "service_tier") == 0 && pattern != NULL &&
      strstr(pattern, "priority") != NULL)
    return "_priority";
  return NULL;
}

/* A variant's fields, without braces; FALSE when nothing in it can be billed. */
static gboolean
write_variant(GString *out, const JsonTree *variant)
{
  const JsonTree *tracks = json_tree_get(variant, "tracks"), *always = NULL;
  for (guint i = 0; i < json_tree_size(tracks) && always == NULL; i++)
    if (g_strcmp0(track_suffix(json_tree_child(tracks, i)), "") == 0)
      always = json_tree_child(tracks, i);
  if (!write_charges(out, variant, always, "", FALSE))
    return FALSE;
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < json_tree_size(tracks); i++) {
    const char *suffix = track_suffix(json_tree_child(tracks, i));
    if (suffix != NULL && *suffix != '\0' && g_hash_table_add(seen, (gpointer)suffix))
      write_charges(out, variant, json_tree_child(tracks, i), suffix, TRUE);
  }
  return TRUE;
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

/* The fields of the variant that counts, and all variants in `pricing`. */
static gboolean
write_pricing(GString *out, const JsonTree *pricing, CloudModel *model)
{
  g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GString) all = g_string_new(NULL);
  const JsonTree *chosen = NULL;
  for (guint i = 0; i < json_tree_size(pricing); i++) {
    const JsonTree *variant = json_tree_child(pricing, i);
    g_autofree char *key = variant_key(variant);
    g_autoptr(GString) fields = g_string_new(NULL);
    if (key == NULL || g_hash_table_contains(keys, key) || !write_variant(fields, variant))
      continue;
    write_name(all, key, "");
    g_string_append_printf(all, "{%s}", fields->str);
    g_hash_table_add(keys, g_steal_pointer(&key));
    model->n_variants++;
    if (chosen == NULL || (is_true(json_tree_get(variant, "official")) && !is_true(json_tree_get(chosen, "official"))))
      chosen = variant;
  }
  if (chosen == NULL)
    return FALSE;
  write_variant(out, chosen);
  write_name(out, "pricing", "");
  g_string_append_printf(out, "{%s}", all->str);
  write_name(out, "litellm_provider", "");
  json_quote(out, json_tree_string(json_tree_get(chosen, "provider")));
  model->is_official = is_true(json_tree_get(chosen, "official"));
  if (model->is_official) {
    write_name(out, "official_pricing_provider", "");
    json_quote(out, json_tree_string(json_tree_get(chosen, "provider")));
  }
  return TRUE;
}

static void
copy_field(GString *out, const char *name, const JsonTree *value)
{
  if (value == NULL || value->type == JSON_TOKEN_NULL)
    return;
  write_name(out, name, "");
  json_tree_write(value, out);
}

static const char *
mode_of(const JsonTree *entry)
{
  const char *type = json_tree_string(json_tree_get(entry, "model_type"));
  if (type == NULL)
    return "chat";
  return strcmp(type, "image") == 0 ? "image_generation" : type;
}

static void
write_description(GString *out, const JsonTree *entry)
{
  static const char *const same[] = {"slug",       "vendor",           "display_name",     "aliases",
                                     "deprecated", "knowledge_cutoff", "max_input_tokens", "max_output_tokens"};
  write_name(out, "mode", "");
  json_quote(out, mode_of(entry));
  for (gsize i = 0; i < G_N_ELEMENTS(same); i++)
    copy_field(out, same[i], json_tree_get(entry, same[i]));
  copy_field(out, "max_tokens", json_tree_get(entry, "max_output_tokens"));
  copy_field(out, "model_family", json_tree_get(entry, "family"));
  const JsonTree *capabilities = json_tree_get(entry, "capabilities");
  for (guint i = 0; capabilities != NULL && capabilities->type == JSON_TOKEN_OBJECT && i < json_tree_size(capabilities);
       i++) {
    const JsonTree *capability = json_tree_child(capabilities, i);
    g_autofree char *name = g_strconcat("supports_", capability->key, NULL);
    if (capability->type == JSON_TOKEN_TRUE || capability->type == JSON_TOKEN_FALSE)
      copy_field(out, name, capability);
  }
}

static char **
read_aliases(const JsonTree *aliases)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  for (guint i = 0;
       aliases != NULL && aliases->type == JSON_TOKEN_ARRAY && i < MIN(json_tree_size(aliases), MAX_ALIASES); i++)
    if (json_tree_string(json_tree_child(aliases, i)) != NULL)
      g_strv_builder_add(names, json_tree_string(json_tree_child(aliases, i)));
  return g_strv_builder_end(names);
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
cloud_model_read(const JsonTree *entry, CloudModel *ret_model)
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
  g_autoptr(GString) json = g_string_new("{");
  write_description(json, entry);
  if (write_pricing(json, pricing, &model)) {
    g_string_append_c(json, '}');
    model.json = g_string_free(g_steal_pointer(&json), FALSE);
  }
  model.aliases = read_aliases(json_tree_get(entry, "aliases"));
  model.has_other_currency = has_other_currency(pricing);
  *ret_model = model;
  return TRUE;
}
