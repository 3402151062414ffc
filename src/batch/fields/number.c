#include "batch/fields/number.h"

#include "base/exact/decimal.h"

#include <string.h>

enum { MAX_UNIT_DIGITS = 18 /* of a gint64 */ };

/* The number in JSON syntax, for decimal_parse(); NULL if it is not a number. */
static char *
json_number(const char *text)
{
  g_autoptr(GRegex) regex = g_regex_new("^([+-]?)(?:([0-9]+)(?:\\.([0-9]*))?|\\.([0-9]+))(?:[eE]([+-]?[0-9]+))?$",
                                        G_REGEX_DOLLAR_ENDONLY, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  if (!g_regex_match(regex, text, 0, &match))
    return NULL;
  g_autofree char *sign = g_match_info_fetch(match, 1), *whole = g_match_info_fetch(match, 2),
                  *decimals = g_match_info_fetch(match, 3), *bare = g_match_info_fetch(match, 4),
                  *exponent = g_match_info_fetch(match, 5);
  const char *fraction = bare != NULL && *bare != '\0' ? bare : decimals != NULL ? decimals : "";
  return g_strdup_printf("%s%s%s%s%s%s", *sign == '-' ? "-" : "", *whole != '\0' ? whole : "0",
                         *fraction != '\0' ? "." : "", fraction, exponent != NULL && *exponent != '\0' ? "e" : "",
                         exponent != NULL ? exponent : "");
}

/* The decimal as an integer in units of 10^-decimals. */
static BatchProblem
count_units(const Decimal *decimal, int decimals, gint64 *ret_units)
{
  int zeros = decimal_is_zero(decimal) ? 0 : decimal->exponent + decimals;
  if (zeros < 0)
    return "too_many_decimals";
  if (strlen(decimal->digits) + (gsize)zeros > MAX_UNIT_DIGITS)
    return "out_of_range";
  gint64 units = g_ascii_strtoll(decimal->digits, NULL, 10);
  for (int i = 0; i < zeros; i++)
    units *= 10;
  *ret_units = decimal->is_negative ? -units : units;
  return NULL;
}

BatchProblem
batch_number_value(const BatchField *field, const char *text, char **ret_value)
{
  g_autofree char *number = json_number(text);
  if (number == NULL)
    return "not_a_number";
  g_auto(Decimal) decimal = {0};
  if (!decimal_parse(number, &decimal)) /* beyond its 400 digits before or after the point */
    return strstr(number, "e-") != NULL || strchr(number, '.') != NULL ? "too_many_decimals" : "out_of_range";
  gint64 units = 0, scale = 1;
  BatchProblem problem = count_units(&decimal, field->decimals, &units);
  if (problem != NULL)
    return problem;
  for (int i = 0; i < field->decimals; i++)
    scale *= 10;
  if (units < field->lowest * scale || units > field->highest * scale)
    return "out_of_range";
  *ret_value = field->decimals == 0 ? g_strdup_printf("%" G_GINT64_FORMAT, units)
                                    : g_strdup_printf("%" G_GINT64_FORMAT ".%0*" G_GINT64_FORMAT, units / scale,
                                                      field->decimals, units % scale);
  return NULL;
}
