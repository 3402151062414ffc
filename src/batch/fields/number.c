#include "batch/fields/number.h"

#include <string.h>

enum { MAX_NUMBER_CHARACTERS = 64, MAX_EXPONENT = 30 };

/* A decimal number as an integer of units of 10^-decimals. */
static BatchProblem
read_decimal(const char *text, int decimals, gint64 *ret_units)
{
  const char *p = text;
  gboolean is_negative = *p == '-';
  if (*p == '-' || *p == '+')
    p++;
  char digits[MAX_NUMBER_CHARACTERS];
  gsize n = 0;
  int point = -1;
  for (; g_ascii_isdigit(*p) || (*p == '.' && point < 0); p++) {
    if (*p == '.')
      point = (int)n;
    else if (n < sizeof digits)
      digits[n++] = *p;
    else
      return "out_of_range";
  }
  if (n == 0)
    return "not_a_number";
  if (point < 0)
    point = (int)n;
  if (*p == 'e' || *p == 'E') {
    char *end = NULL;
    gint64 exponent = g_ascii_strtoll(p + 1, &end, 10);
    if (end == p + 1)
      return "not_a_number";
    p = end;
    point += (int)CLAMP(exponent, -MAX_EXPONENT - MAX_NUMBER_CHARACTERS, MAX_EXPONENT + MAX_NUMBER_CHARACTERS);
  }
  if (*p != '\0')
    return "not_a_number";
  gint64 units = 0;
  for (int i = 0; i < MAX((int)n, point + decimals); i++) {
    int digit = i < (int)n ? digits[i] - '0' : 0;
    if (i >= point + decimals) {
      if (digit != 0)
        return "too_many_decimals";
    } else if (units > (G_MAXINT64 - digit) / 10) {
      return "out_of_range";
    } else {
      units = units * 10 + digit;
    }
  }
  *ret_units = is_negative ? -units : units;
  return NULL;
}

BatchProblem
batch_number_value(const BatchField *field, const char *text, char **ret_value)
{
  if (strlen(text) > MAX_NUMBER_CHARACTERS)
    return "out_of_range";
  gint64 units = 0, scale = 1;
  BatchProblem problem = read_decimal(text, field->decimals, &units);
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
