#include "base/exact/decimal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 400, MAX_TEXT_DIGITS = 1000, MAX_EXPONENT = 400, MAX_ZEROS = 40 };

void
decimal_clear(Decimal *decimal)
{
  g_clear_pointer(&decimal->digits, g_free);
}

gboolean
decimal_is_zero(const Decimal *decimal)
{
  return strcmp(decimal->digits, "0") == 0;
}

int
decimal_compare_size(const Decimal *a, const Decimal *b)
{
  if (decimal_is_zero(a) || decimal_is_zero(b))
    return decimal_is_zero(b) - decimal_is_zero(a);
  int a_point = (int)strlen(a->digits) + a->exponent, b_point = (int)strlen(b->digits) + b->exponent;
  return a_point != b_point ? (a_point > b_point) - (a_point < b_point) : strcmp(a->digits, b->digits);
}

/* Copies the digits without leading and trailing zeros. */
static void
set_digits(Decimal *decimal, gboolean is_negative, char *digits, int exponent)
{
  gsize zeros = strspn(digits, "0");
  gsize length = strlen(digits + zeros);
  memmove(digits, digits + zeros, length + 1);
  for (; length > 0 && digits[length - 1] == '0'; length--)
    exponent++;
  digits[length] = '\0';
  if (length == 0) {
    g_free(digits);
    digits = g_strdup("0");
    exponent = 0;
    is_negative = FALSE;
  }
  *decimal = (Decimal){is_negative, digits, exponent};
}

/* Appends the digits at `*at`; returns their number. */
static int
take_digits(const char **at, GString *digits)
{
  gsize n = strspn(*at, "0123456789");
  g_string_append_len(digits, *at, (gssize)n);
  *at += n;
  return (int)MIN(n, G_MAXINT / 2);
}

gboolean
decimal_parse(const char *text, Decimal *ret_decimal)
{
  g_autoptr(GString) digits = g_string_new(NULL);
  gboolean is_negative = *text == '-';
  const char *at = text + is_negative;
  int n = take_digits(&at, digits), fraction = 0;
  if (n > 0 && *at == '.') {
    at++;
    fraction = take_digits(&at, digits);
    if (fraction == 0)
      return FALSE;
  }
  int exponent = 0;
  if (n > 0 && (*at == 'e' || *at == 'E')) {
    char *end = NULL;
    const char *number = at + 1 + (at[1] == '+' || at[1] == '-');
    if (!g_ascii_isdigit(*number) || strspn(number, "0123456789") > 4)
      return FALSE;
    exponent = (int)strtol(at + 1, &end, 10);
    at = end;
  }
  if (n == 0 || *at != '\0' || digits->len > MAX_TEXT_DIGITS || ABS(exponent) > MAX_EXPONENT)
    return FALSE;
  g_auto(Decimal) decimal = {0};
  set_digits(&decimal, is_negative, g_strdup(digits->str), exponent - fraction);
  if (strlen(decimal.digits) > MAX_DIGITS)
    return FALSE;
  *ret_decimal = decimal;
  decimal = (Decimal){0};
  return TRUE;
}

void
decimal_multiply(const Decimal *a, const Decimal *b, Decimal *ret_product)
{
  gsize na = strlen(a->digits), nb = strlen(b->digits);
  g_autofree guint *sums = g_new0(guint, na + nb); /* least significant last */
  for (gsize i = na; i-- > 0;)
    for (gsize j = nb; j-- > 0;)
      sums[i + j + 1] += (guint)(a->digits[i] - '0') * (guint)(b->digits[j] - '0');
  char *digits = g_malloc(na + nb + 1);
  digits[na + nb] = '\0';
  guint carry = 0;
  for (gsize i = na + nb; i-- > 0;) {
    guint sum = sums[i] + carry;
    digits[i] = (char)('0' + sum % 10);
    carry = sum / 10;
  }
  set_digits(ret_product, a->is_negative != b->is_negative, digits, a->exponent + b->exponent);
}

void
decimal_round(const Decimal *decimal, guint digits, Decimal *ret_rounded)
{
  gsize length = strlen(decimal->digits);
  if (length <= digits) {
    *ret_rounded = (Decimal){decimal->is_negative, g_strdup(decimal->digits), decimal->exponent};
    return;
  }
  /* A leading zero takes the carry of 999…9. */
  char *rounded = g_strdup_printf("0%.*s", (int)digits, decimal->digits);
  if (decimal->digits[digits] >= '5') {
    gsize at = digits;
    for (; rounded[at] == '9'; at--)
      rounded[at] = '0';
    rounded[at]++;
  }
  set_digits(ret_rounded, decimal->is_negative, rounded, decimal->exponent + (int)(length - digits));
}

static void
append_zeros(GString *text, int n)
{
  for (int i = 0; i < n; i++)
    g_string_append_c(text, '0');
}

char *
decimal_to_text(const Decimal *decimal)
{
  g_autoptr(GString) text = g_string_new(decimal->is_negative ? "-" : "");
  int n = (int)strlen(decimal->digits);
  int point = n + decimal->exponent; /* number of digits before the point */
  if (decimal->exponent > MAX_ZEROS || point < -MAX_ZEROS) {
    g_string_append_printf(text, "%se%d", decimal->digits, decimal->exponent);
  } else if (decimal->exponent >= 0) {
    g_string_append(text, decimal->digits);
    append_zeros(text, decimal->exponent);
  } else if (point > 0) {
    g_string_append_len(text, decimal->digits, point);
    g_string_append_printf(text, ".%s", decimal->digits + point);
  } else {
    g_string_append(text, "0.");
    append_zeros(text, -point);
    g_string_append(text, decimal->digits);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}
