#include "archive/rows/row_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static RowTotals
hash_in_pieces(const char *text, gsize piece)
{
  g_autoptr(RowHash) hash = row_hash_new();
  gsize size = strlen(text);
  for (gsize at = 0; at < size; at += piece)
    row_hash_push(hash, (const guint8 *)text + at, MIN(piece, size - at));
  return row_hash_take(hash);
}

static void
assert_same(const RowTotals *a, const RowTotals *b)
{
  assert_true(row_totals_equal(a, b));
}

/* Manifests are kept, so a row's hash must never change. */
static void
the_hash_of_a_row_stays_what_it_was(void **state)
{
  RowTotals totals = hash_in_pieces("a\n", 100);
  char text[ROW_HASH_TEXT_BYTES];
  row_totals_hash_text(&totals, text);
  assert_string_equal(text, "5c73e7e3dcbb0395e841f27363849a18");
  assert_int_equal(totals.rows, 1);
  assert_int_equal(totals.bytes, 2);
}

static void
any_cut_gives_the_same_totals(void **state)
{
  g_autoptr(GString) text = g_string_new("\n\n");
  for (int i = 0; i < 300; i++)
    g_string_append_printf(text, "%d\t%*d\n", i, i * 7 % 400, i);
  RowTotals whole = hash_in_pieces(text->str, text->len);
  assert_int_equal(whole.rows, 302);
  assert_int_equal(whole.bytes, text->len);
  for (gsize piece = 1; piece < 600; piece++) {
    RowTotals cut = hash_in_pieces(text->str, piece);
    assert_same(&cut, &whole);
  }
}

static void
the_order_of_rows_does_not_matter_and_all_else_does(void **state)
{
  RowTotals rows = hash_in_pieces("1\ta\n2\tb\n2\tb\n", 100);
  RowTotals other_order = hash_in_pieces("2\tb\n1\ta\n2\tb\n", 100);
  assert_same(&rows, &other_order);
  static const char *const others[] = {"1\ta\n2\tb\n", "1\ta\n1\ta\n2\tb\n", "1\tb\n2\ta\n2\tb\n", "1\ta\n2\tb\n2\tc\n",
                                       "1\ta\n2\tb2\n\tb\n"};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
    RowTotals different = hash_in_pieces(others[i], 100);
    assert_false(row_totals_equal(&rows, &different));
    assert_false(rows.hash_high == different.hash_high && rows.hash_low == different.hash_low);
  }
}

static void
sums_of_parts_are_the_sum_of_all(void **state)
{
  RowTotals sum = {0}, all = hash_in_pieces("1\n2\n3\n4\n5\n6\n7\n8\n9\n", 3);
  for (char digit = '9'; digit >= '1'; digit--) {
    char line[] = {digit, '\n', '\0'};
    RowTotals one = hash_in_pieces(line, 2);
    row_totals_add(&sum, &one);
  }
  assert_same(&sum, &all);
}

static void
a_carry_reaches_the_upper_half(void **state)
{
  RowTotals sum = {.hash_high = 5, .hash_low = G_MAXUINT64}, one = {.hash_low = 1};
  row_totals_add(&sum, &one);
  assert_true(sum.hash_high == 6 && sum.hash_low == 0);
  RowTotals top = {.hash_high = G_MAXUINT64, .hash_low = G_MAXUINT64};
  row_totals_add(&top, &one);
  assert_true(top.hash_high == 0 && top.hash_low == 0);
}

static void
taking_starts_over(void **state)
{
  g_autoptr(RowHash) hash = row_hash_new();
  row_hash_push(hash, (const guint8 *)"a\nb", 3);
  RowTotals first = row_hash_take(hash); /* a row, and one without its newline */
  assert_int_equal(first.rows, 2);
  row_hash_push(hash, (const guint8 *)"a\n", 2);
  RowTotals second = row_hash_take(hash), expected = hash_in_pieces("a\n", 1);
  assert_same(&second, &expected);
  RowTotals nothing = row_hash_take(hash), zero = {0};
  assert_same(&nothing, &zero);
}

static void
text_and_hash_turn_into_each_other(void **state)
{
  RowTotals totals = {.hash_high = 0x0123456789abcdef, .hash_low = 0xf}, read = {0};
  char text[ROW_HASH_TEXT_BYTES];
  row_totals_hash_text(&totals, text);
  assert_string_equal(text, "0123456789abcdef000000000000000f");
  assert_true(row_totals_set_hash(&read, text));
  assert_same(&read, &totals);
  static const char *const wrong[] = {"",
                                      "0",
                                      "0123456789ABCDEF000000000000000f",
                                      "0123456789abcdef000000000000000",
                                      "0123456789abcdef000000000000000f0",
                                      "0123456789abcdef00000000000000 f"};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_false(row_totals_set_hash(&read, wrong[i]));
  assert_same(&read, &totals);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hash_of_a_row_stays_what_it_was),
      cmocka_unit_test(any_cut_gives_the_same_totals),
      cmocka_unit_test(the_order_of_rows_does_not_matter_and_all_else_does),
      cmocka_unit_test(sums_of_parts_are_the_sum_of_all),
      cmocka_unit_test(a_carry_reaches_the_upper_half),
      cmocka_unit_test(taking_starts_over),
      cmocka_unit_test(text_and_hash_turn_into_each_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
