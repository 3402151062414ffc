#include "prices/format/issue.h"

#include "base/exact/json_scan.h"
#include "base/text.h"

static const struct {
  const char *name;
  TextId text;
} codes[PRICE_ISSUE_COUNT] = {
    [PRICE_NOT_A_TABLE] = {"not_a_table", TEXT_PRICE_NOT_A_TABLE},
    [PRICE_NAME_EMPTY] = {"name_empty", TEXT_PRICE_NAME_EMPTY},
    [PRICE_NAME_TWICE] = {"name_twice", TEXT_PRICE_NAME_TWICE},
    [PRICE_NAME_TOO_LONG] = {"name_too_long", TEXT_PRICE_NAME_TOO_LONG},
    [PRICE_NAME_UNUSABLE] = {"name_unusable", TEXT_PRICE_NAME_UNUSABLE},
    [PRICE_NO_MODE] = {"no_mode", TEXT_PRICE_NO_MODE},
    [PRICE_COST_NOT_A_NUMBER] = {"cost_not_a_number", TEXT_PRICE_COST_NOT_A_NUMBER},
    [PRICE_COST_NEGATIVE] = {"cost_negative", TEXT_PRICE_COST_NEGATIVE},
    [PRICE_NOT_FINITE] = {"not_finite", TEXT_PRICE_NOT_FINITE},
    [PRICE_NUMBER_OUT_OF_RANGE] = {"number_out_of_range", TEXT_PRICE_NUMBER_OUT_OF_RANGE},
    [PRICE_FIELD_TWICE] = {"field_twice", TEXT_PRICE_FIELD_TWICE},
    [PRICE_TEXT_UNUSABLE] = {"text_unusable", TEXT_PRICE_TEXT_UNUSABLE},
    [PRICE_VENDOR_TOO_LONG] = {"vendor_too_long", TEXT_PRICE_VENDOR_TOO_LONG},
    [PRICE_NOTHING_BILLABLE] = {"nothing_billable", TEXT_PRICE_NOTHING_BILLABLE},
    [PRICE_ENTRY_UNREADABLE] = {"entry_unreadable", TEXT_PRICE_ENTRY_UNREADABLE},
    [PRICE_COST_IS_NULL] = {"cost_is_null", TEXT_PRICE_COST_IS_NULL},
    [PRICE_LOOKS_PER_MILLION] = {"looks_per_million", TEXT_PRICE_LOOKS_PER_MILLION},
    [PRICE_MOVED_TENFOLD] = {"moved_tenfold", TEXT_PRICE_MOVED_TENFOLD},
    [PRICE_MOVED_TO_ZERO] = {"moved_to_zero", TEXT_PRICE_MOVED_TO_ZERO},
    [PRICE_NOT_IN_DOLLARS] = {"not_in_dollars", TEXT_PRICE_NOT_IN_DOLLARS},
    [PRICE_MOVED_BEYOND_LIMIT] = {"moved_beyond_limit", TEXT_PRICE_MOVED_BEYOND_LIMIT},
    [PRICE_MOVED_FROM_ZERO] = {"moved_from_zero", TEXT_PRICE_MOVED_FROM_ZERO},
    [PRICE_CHANGE_REJECTED] = {"change_rejected", TEXT_PRICE_CHANGE_REJECTED},
};

static void
issue_clear(PriceIssue *issue)
{
  g_free(issue->model);
  g_free(issue->field);
  g_free(issue->value);
  g_free(issue->old);
}

static void
clear_element(gpointer issue)
{
  issue_clear(issue);
}

GArray *
price_issues_new(void)
{
  GArray *issues = g_array_new(FALSE, FALSE, sizeof(PriceIssue));
  g_array_set_clear_func(issues, clear_element);
  return issues;
}

void
price_issues_add(GArray *issues, PriceIssueCode code, const char *model, const char *field, const char *value,
                 const char *old)
{
  PriceIssue issue = {code, g_strdup(model), g_strdup(field), g_strdup(value), g_strdup(old)};
  g_array_append_val(issues, issue);
}

const char *
price_issue_code_name(PriceIssueCode code)
{
  return codes[code].name;
}

/* Every text has at most three conversions, in this order: field, new value, old value. */
char *
price_issue_text(const PriceIssue *issue, Language language)
{
  const char *field = issue->field != NULL ? issue->field : "";
  const char *value = issue->value != NULL ? issue->value : "";
  const char *old = issue->old != NULL ? issue->old : "";
  return text_format(codes[issue->code].text, language, field, value, old);
}

void
price_issues_to_json(const GArray *issues, Language language, GString *out)
{
  g_string_append_c(out, '[');
  for (guint i = 0; i < issues->len; i++) {
    const PriceIssue *issue = &g_array_index(issues, PriceIssue, i);
    g_autofree char *reason = price_issue_text(issue, language);
    g_string_append(out, i > 0 ? ",{\"modelName\":" : "{\"modelName\":");
    json_quote(out, issue->model);
    g_string_append_printf(out, ",\"code\":\"%s\"", price_issue_code_name(issue->code));
    if (issue->field != NULL) {
      g_string_append(out, ",\"field\":");
      json_quote(out, issue->field);
    }
    g_string_append(out, ",\"reason\":");
    json_quote(out, reason);
    g_string_append_c(out, '}');
  }
  g_string_append_c(out, ']');
}
