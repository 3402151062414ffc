#include "base/exact/json_tree.h"
#include "prices/format/table_asserts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static void
the_clouds_prices_per_million_move_their_decimal_point(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_table(
      "{\"schema\":\"cchp.pricing-table/v1\",\"version\":\"7\",\"models\":[{\"slug\":\"v/m\",\"model_name\":\"m\","
      "\"vendor\":\"v\",\"aliases\":[\"m-alias\"],\"capabilities\":{\"vision\":true},\"pricing\":["
      "{\"provider\":\"p\",\"official\":true,\"charges\":{\"prompt\":{\"price\":\"3\",\"unit\":\"per_M_tokens\"},"
      "\"completion\":{\"price\":\"15.2500\",\"unit\":\"per_M_tokens\"},"
      "\"web_search\":{\"price\":\"10\",\"unit\":\"per_k_calls\"}},"
      "\"tracks\":[{\"factor\":\"2\",\"triggers\":[{\"kind\":\"input_tokens_above\",\"threshold\":200000}]}]}]}]}");
  assert_int_equal(table->format, PRICE_FORMAT_CLOUD);
  const char *expected =
      "{\"input_cost_per_token\":0.000003,\"output_cost_per_token\":0.00001525,"
      "\"search_context_cost_per_query\":{\"search_context_size_low\":0.01,\"search_context_size_medium\":0.01,"
      "\"search_context_size_high\":0.01},\"input_cost_per_token_above_200k_tokens\":0.000006,"
      "\"output_cost_per_token_above_200k_tokens\":0.0000305,\"providers\":[\"p\"],"
      "\"pricing\":{\"p\":{\"input_cost_per_token\":0.000003,\"output_cost_per_token\":0.00001525,"
      "\"search_context_cost_per_query\":{\"search_context_size_low\":0.01,\"search_context_size_medium\":0.01,"
      "\"search_context_size_high\":0.01},\"input_cost_per_token_above_200k_tokens\":0.000006,"
      "\"output_cost_per_token_above_200k_tokens\":0.0000305,\"official\":true}},"
      "\"official_pricing_provider\":\"p\",\"mode\":\"chat\",\"display_name\":\"m\",\"vendor\":\"v\",\"slug\":\"v/m\","
      "\"aliases\":[\"m-alias\"],\"supports_vision\":true}";
  assert_model(table, "m", expected);
  assert_model(table, "m-alias", expected);
}

static void
a_cloud_model_that_nobody_can_bill_fails_alone(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_table(
      "{\"models\":[{\"slug\":\"a\",\"model_name\":\"free\",\"vendor\":\"v\",\"pricing\":[]},{\"slug\":\"b\","
      "\"model_name\":\"m\",\"vendor\":\"v\",\"pricing\":[{\"provider\":\"p\",\"charges\":{\"request\":"
      "{\"price\":\"0.5\",\"unit\":\"per_request\"},\"prompt\":{\"price\":\"1\",\"unit\":\"per_M_tokens\","
      "\"currency\":\"CNY\"}}}]}],\"schema\":\"cchp.pricing-table/v1\"}");
  assert_failed(table, "free", "nothing_billable", NULL);
  assert_non_null(find_model(table, "m"));
  assert_int_equal(table->warnings->len, 1);
  assert_int_equal(g_array_index(table->warnings, PriceIssue, 0).code, PRICE_NOT_IN_DOLLARS);
}

static void
an_entry_of_the_cloud_that_cannot_be_read_fails_alone(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_table(
      "{\"schema\":\"cchp.pricing-table/v1\",\"models\":[{\"slug\":\"a\",\"model_name\":\"m\\u0000\"},"
      "{\"slug\":\"b\",\"model_name\":\" m \",\"vendor\":\"v\",\"aliases\":[\"n\",\"m\"],\"pricing\":[{\"provider\":"
      "\"p\",\"charges\":{\"prompt\":{\"price\":\"1\",\"unit\":\"per_M_tokens\"}}}]}]}");
  assert_failed(table, "?", "entry_unreadable", "models[0]");
  assert_int_equal(table->models->len, 2);
  assert_non_null(find_model(table, "m"));
  assert_non_null(find_model(table, "n"));
}

/* The only model of a cloud table, with the given `pricing` and other members. */
static PriceTable *
parse_cloud(const char *members, const char *variants)
{
  g_autofree char *text =
      g_strdup_printf("{\"schema\":\"cchp.pricing-table/v1\",\"providers\":{\"v\":{\"name\":\"V\",\"icon\":\"v.svg\","
                      "\"icon_mono\":true}},\"models\":[{\"slug\":\"s\",\"model_name\":\"m\",\"vendor\":\"v\",%s"
                      "\"pricing\":[%s]}]}",
                      members, variants);
  return parse_table(text);
}

static void
assert_field(const PriceTable *table, const char *path, const char *expected)
{
  const PriceModel *model = find_model(table, "m");
  assert_non_null(model);
  g_autoptr(JsonTree) tree = json_tree_parse(model->json, model->size, NULL);
  g_auto(GStrv) keys = g_strsplit(path, "/", -1);
  const JsonTree *found = tree;
  for (char **key = keys; *key != NULL; key++)
    found = json_tree_get(found, *key);
  g_autoptr(GString) json = g_string_new(NULL);
  if (found != NULL)
    json_tree_write(found, json);
  assert_string_equal(json->str, expected);
}

#define PROMPT(price) "\"charges\":{\"prompt\":{\"price\":\"" price "\",\"unit\":\"per_M_tokens\"}}"

static void
a_header_beside_a_threshold_changes_nothing(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_cloud(
      "", "{\"provider\":\"p\"," PROMPT(
              "3") ",\"tracks\":["
                   "{\"factor\":\"2\",\"triggers\":[{\"kind\":\"header_matches\",\"header\":\"anthropic-beta\","
                   "\"pattern\":\"1m\"},"
                   "{\"kind\":\"input_tokens_above\",\"threshold\":200000}]},"
                   "{\"factor\":\"5\",\"triggers\":[{\"kind\":\"header_matches\",\"header\":\"x\",\"pattern\":\"y\"}]},"
                   "{\"factor\":\"7\",\"triggers\":[{\"kind\":\"endpoint_matches\"},{\"kind\":\"input_tokens_above\","
                   "\"threshold\":272000}]},"
                   "{\"factor\":\"4\",\"triggers\":[{\"kind\":\"body_matches\",\"field\":\"service_tier\",\"pattern\":"
                   "\"^priority$\"},{\"kind\":\"input_tokens_above\",\"threshold\":272001}]}]}");
  assert_field(table, "input_cost_per_token", "0.000003");
  assert_field(table, "input_cost_per_token_above_200k_tokens", "0.000006");
  assert_field(table, "input_cost_per_token_above_272k_tokens", "");
  assert_field(table, "input_cost_per_token_above_272k_tokens_priority", "0.000012");
  assert_field(table, "input_cost_per_token_priority", "");
}

static void
the_first_official_variant_that_can_be_billed_counts(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_cloud(
      "", "{\"provider\":\"reseller\"," PROMPT(
              "9") "},"
                   "{\"provider\":\"maker\",\"official\":true,\"charges\":{\"prompt\":{\"price\":\"1\",\"unit\":"
                   "\"per_second\"}}},"
                   "{\"provider\":\"maker\",\"region\":\"eu\",\"official\":true,\"provider_model_id\":\"id-1\"," PROMPT(
                       "2") "},"
                            "{\"provider\":\"late\",\"official\":true," PROMPT("4") "}");
  assert_field(table, "input_cost_per_token", "0.000002");
  assert_field(table, "official_pricing_provider", "\"maker@eu\"");
  assert_field(table, "providers", "[\"reseller\",\"maker@eu\",\"late\"]");
  assert_field(table, "pricing/maker@eu/official", "true");
  assert_field(table, "pricing/maker@eu/provider_model_id", "\"id-1\"");
  assert_field(table, "pricing/reseller/official", "");
  assert_field(table, "official", "");
  assert_field(table, "litellm_provider", "");
}

static void
what_describes_a_cloud_model_has_the_hubs_fields(void **state)
{
  (void)state;
  g_autoptr(PriceTable) table = parse_cloud(
      "\"model_type\":\"image\",\"aliases\":[\"m\",\" \",\"n\"],\"family\":\"f\",\"max_output_tokens\":8,"
      "\"deprecated\":false,\"capabilities\":{\"function_calling\":true,\"structured_output\":true,\"vision\":false,"
      "\"unknown\":true},",
      "{\"provider\":\"p\",\"charges\":{\"prompt\":{\"price\":\"0.1234567890123456\",\"unit\":\"per_M_tokens\"},"
      "\"file_search\":{\"price\":\"1\",\"unit\":\"per_k_calls\"},"
      "\"file_search_call\":{\"price\":\"2.5\",\"unit\":\"per_k_calls\"}}}");
  static const char *const expected[][2] = {
      {"mode", "\"image_generation\""},
      {"aliases", "[\"n\"]"},
      {"model_family", "\"f\""},
      {"max_tokens", "8"},
      {"deprecated", ""},
      {"supports_function_calling", "true"},
      {"supports_tool_choice", "true"},
      {"supports_response_schema", "true"},
      {"supports_vision", ""},
      {"supports_unknown", ""},
      {"vendor_icon", "\"v.svg\""},
      {"vendor_icon_mono", "true"},
      {"official_pricing_provider", "null"},
      {"file_search_cost_per_1k_calls", "2.5"},
      {"input_cost_per_token", "0.000000123456789012"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
    assert_field(table, expected[i][0], expected[i][1]);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clouds_prices_per_million_move_their_decimal_point),
      cmocka_unit_test(a_header_beside_a_threshold_changes_nothing),
      cmocka_unit_test(the_first_official_variant_that_can_be_billed_counts),
      cmocka_unit_test(what_describes_a_cloud_model_has_the_hubs_fields),
      cmocka_unit_test(a_cloud_model_that_nobody_can_bill_fails_alone),
      cmocka_unit_test(an_entry_of_the_cloud_that_cannot_be_read_fails_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
