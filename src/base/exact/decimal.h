/* Exact decimals for prices, limits and multipliers, until PostgreSQL stores them as numeric. */
#pragma once

#include <glib.h>

/* (-1)^is_negative × digits × 10^exponent. The digits have no leading or trailing zeros; zero is "0". */
typedef struct {
  gboolean is_negative;
  char *digits;
  int exponent;
} Decimal;

void decimal_clear(Decimal *decimal);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Decimal, decimal_clear)

/* Parses "12.50", "-3e-7". FALSE for anything else, for more than 400 digits (without leading and trailing zeros),
 * and for an exponent beyond ±400. */
gboolean decimal_parse(const char *text, Decimal *ret_decimal);

void decimal_multiply(const Decimal *a, const Decimal *b, Decimal *ret_product);

/* Rounds to at most `digits` significant digits, half away from zero. */
void decimal_round(const Decimal *decimal, guint digits, Decimal *ret_rounded);

/* As a JSON number, with an exponent only if it saves dozens of zeros; free with g_free. */
char *decimal_to_text(const Decimal *decimal);

gboolean decimal_is_zero(const Decimal *decimal);
/* Compares like strcmp, ignoring signs. */
int decimal_compare_size(const Decimal *a, const Decimal *b);
