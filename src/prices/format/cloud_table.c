#include "prices/format/cloud_table.h"

#include "prices/format/cloud_costs.h"
#include "prices/format/cloud_fields.h"
#include "prices/format/model.h"

#include <string.h>

enum { MAX_ALIASES = 64 };

/* A capability, and the fields that express it. */
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
    json_quote(out, g_array_index(pricing, CloudField, i).name);
  }
  g_string_append_c(out, ']');
  return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Writes all billable variants into `pricing`, and the costs of one into `model`: the first official one, otherwise
 * the first. Of two variants with one key the last is kept. */
static gboolean
set_pricing(GArray *model, const JsonTree *variants)
{
  g_autoptr(GArray) pricing = cloud_fields_new();
  const JsonTree *official = NULL, *first = NULL;
  g_autofree char *official_key = NULL, *first_key = NULL;
  for (guint i = 0; i < json_tree_size(variants); i++) {
    const JsonTree *variant = json_tree_child(variants, i);
    g_autofree char *key = variant_key(variant);
    g_autoptr(GArray) node = cloud_fields_new();
    if (key == NULL || !cloud_costs_set(node, variant))
      continue;
    gboolean is_official = is_true(json_tree_get(variant, "official"));
    cloud_fields_set_true(node, "official", is_official);
    cloud_fields_set_string(node, "provider_model_id", json_tree_string(json_tree_get(variant, "provider_model_id")));
    cloud_fields_set_json(pricing, key, "", cloud_fields_to_json(node));
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
  cloud_costs_set(model, official != NULL ? official : first);
  cloud_fields_set_json(model, "providers", "", provider_list(pricing));
  cloud_fields_set_json(model, "pricing", "", cloud_fields_to_json(pricing));
  cloud_fields_set_json(model, "official_pricing_provider", "", g_strdup("null"));
  cloud_fields_set_string(model, "official_pricing_provider", official_key);
  return TRUE;
}

static void
copy_number(GArray *fields, const char *name, const JsonTree *value)
{
  g_autoptr(GString) json = g_string_new(NULL);
  if (value == NULL || value->type != JSON_TOKEN_NUMBER)
    return;
  json_tree_write(value, json);
  cloud_fields_set_json(fields, name, "", g_string_free(g_steal_pointer(&json), FALSE));
}

static const char *
mode_of(const JsonTree *entry)
{
  const char *type = json_tree_string(json_tree_get(entry, "model_type"));
  if (type == NULL)
    return "chat";
  return strcmp(type, "image") == 0 ? "image_generation" : type;
}

/* The vendor's icon from the table's `providers`. The hub has its own list of icons for vendors without one, and
 * uses it when it shows them. */
static void
set_icon(GArray *fields, const JsonTree *vendor)
{
  const char *icon = json_tree_string(json_tree_get(vendor, "icon"));
  cloud_fields_set_string(fields, "vendor_icon", icon);
  cloud_fields_set_true(fields, "vendor_icon_mono", icon != NULL && is_true(json_tree_get(vendor, "icon_mono")));
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
    cloud_fields_set_json(fields, "aliases", "", g_string_free(g_steal_pointer(&out), FALSE));
}

static void
set_description(GArray *fields, const JsonTree *entry, const CloudModel *model, const JsonTree *providers)
{
  const char *display_name = json_tree_string(json_tree_get(entry, "display_name"));
  const char *vendor = json_tree_string(json_tree_get(entry, "vendor"));
  cloud_fields_set_string(fields, "mode", mode_of(entry));
  cloud_fields_set_string(fields, "display_name", display_name != NULL ? display_name : model->name);
  cloud_fields_set_string(fields, "vendor", vendor);
  cloud_fields_set_string(fields, "slug", json_tree_string(json_tree_get(entry, "slug")));
  set_icon(fields, json_tree_get(providers, vendor));
  set_aliases(fields, model->aliases);
  cloud_fields_set_string(fields, "model_family", json_tree_string(json_tree_get(entry, "family")));
  copy_number(fields, "max_input_tokens", json_tree_get(entry, "max_input_tokens"));
  copy_number(fields, "max_output_tokens", json_tree_get(entry, "max_output_tokens"));
  copy_number(fields, "max_tokens", json_tree_get(entry, "max_output_tokens"));
  cloud_fields_set_true(fields, "deprecated", is_true(json_tree_get(entry, "deprecated")));
  cloud_fields_set_string(fields, "knowledge_cutoff", json_tree_string(json_tree_get(entry, "knowledge_cutoff")));
  for (gsize i = 0; i < G_N_ELEMENTS(capabilities); i++) {
    gboolean has = is_true(json_tree_get(json_tree_get(entry, "capabilities"), capabilities[i].capability));
    cloud_fields_set_true(fields, capabilities[i].field, has);
    cloud_fields_set_true(fields, capabilities[i].other_field, has);
  }
}

/* The first names other than the model's own. */
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
      if (!cloud_charge_is_in_dollars(json_tree_child(charges, j)))
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
  g_autoptr(GArray) fields = cloud_fields_new();
  if (set_pricing(fields, pricing)) {
    set_description(fields, entry, &model, providers);
    model.json = cloud_fields_to_json(fields);
  }
  *ret_model = model;
  return TRUE;
}
