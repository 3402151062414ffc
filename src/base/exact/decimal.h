/* Exact decimals: prices, limits and multipliers, until they are PostgreSQL's numeric. */
#pragma once

#include <glib.h>

/* (-1)^is_negative × digits × 10^exponent; no zeros lead or end the digits, and zero is "0". */
typedef struct {
  gboolean is_negative;
  char *digits;
  int exponent;
} Decimal;

void decimal_clear(Decimal *decimal);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Decimal, decimal_clear)

/* "12.50", "-3e-7"; FALSE for anything else, for more than 400 digits (not counting zeros around them)
 * and for an exponent beyond ±400. */
gboolean decimal_parse(const char *text, Decimal *ret_decimal);

void decimal_multiply(const Decimal *a, const Decimal *b, Decimal *ret_product);

/* To at most `digits` significant digits, half away from zero. */
void decimal_round(const Decimal *decimal, guint digits, Decimal *ret_rounded);

/* As a JSON number, without an exponent unless that would take dozens of zeros; free with g_free. */
char *decimal_to_text(const Decimal *decimal);

gboolean decimal_is_zero(const Decimal *decimal);
/* As strcmp, without regard to signs. */
int decimal_compare_size(const Decimal *a, const Decimal *b);
