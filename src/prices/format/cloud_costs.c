#include "prices/format/cloud_costs.h"

#include "base/exact/decimal.h"
#include "prices/format/cloud_fields.h"

#include <string.h>

#define COST_DIGITS 12

/* The field for a charge. A tier or a priority has its own field only if the hub has one. */
typedef struct {
  const char *charge, *unit;
  const char *field; /* NULL: see set_search */
  const char *factor;
  gboolean is_billable; /* without a billable charge, a variant has no price */
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
    /* The later one counts if both are present. */
    {"file_search", "per_k_calls", "file_search_cost_per_1k_calls", "1", FALSE, FALSE, FALSE},
    {"file_search_call", "per_k_calls", "file_search_cost_per_1k_calls", "1", FALSE, FALSE, FALSE},
};

/* A price or a factor, which the table writes as strings. */
static gboolean
read_decimal(const JsonTree *tree, Decimal *ret_decimal)
{
  return tree != NULL && tree->type == JSON_TOKEN_STRING && decimal_parse(tree->text, ret_decimal);
}

/* The factor of a charge in a track: its own, otherwise the track's. FALSE if that is not a number. */
static gboolean
find_factor(const JsonTree *track, const char *charge, Decimal *ret_factor)
{
  const JsonTree *own = json_tree_get(json_tree_get(track, "charge_factors"), charge);
  return read_decimal(own != NULL ? own : json_tree_get(track, "factor"), ret_factor);
}

gboolean
cloud_charge_is_in_dollars(const JsonTree *charge)
{
  const char *currency = json_tree_string(json_tree_get(charge, "currency"));
  return currency == NULL || strcmp(currency, "USD") == 0;
}

/* The three sizes of a search have the same cost there. The cost is a number's exact text, which jansson would round.
 */
static void
set_search(GArray *fields, const char *cost)
{
  cloud_fields_set_json(fields, "search_context_cost_per_query", "",
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

/* "_above_200k_tokens" for a threshold of 200,000 or 200,001 tokens; NULL if there is no field for it. */
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

/* All triggers of a track together. A header beside a threshold changes nothing; alone it has no field. */
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

/* The price of a charge that applies under a rule. */
static gboolean
read_price(const JsonTree *variant, const ChargeRule *rule, Decimal *ret_price)
{
  const JsonTree *charge = json_tree_get(json_tree_get(variant, "charges"), rule->charge);
  g_auto(Decimal) price = {0};
  if (g_strcmp0(json_tree_string(json_tree_get(charge, "unit")), rule->unit) != 0 ||
      !cloud_charge_is_in_dollars(charge) || !read_decimal(json_tree_get(charge, "price"), &price) || price.is_negative)
    return FALSE;
  *ret_price = price;
  price = (Decimal){0};
  return TRUE;
}

/* Charges without a tier, under the track that always applies (NULL: none); TRUE if one of them is billable. */
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
      cloud_fields_set_json(fields, rules[i].field, "", g_steal_pointer(&cost));
    is_billable |= rules[i].is_billable;
  }
  return is_billable;
}

/* Charges of a track with triggers; the last of several for one field counts. */
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
    cloud_fields_set_json(fields, rules[i].field, suffix, cost_of(&price, &factor, rules[i].factor));
    is_any = TRUE;
  }
  return is_any;
}

gboolean
cloud_costs_set(GArray *fields, const JsonTree *variant)
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
