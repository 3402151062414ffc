#include "archive/read/copy_text.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static gboolean
append(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  assert_true(size > 0);
  g_string_append_len(user_data, (const char *)data, (gssize)size);
  return TRUE;
}

/* Pushes the text in two pieces, cut at `cut`. NULL: refused. */
static char *
rows_of(const char *text, gsize size, gsize cut, guint64 *ret_rows)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) out = g_string_new(NULL);
  CopyText copy = COPY_TEXT_INIT;
  gboolean ok = copy_text_push(&copy, (const guint8 *)text, cut, append, out, &error) &&
                copy_text_push(&copy, (const guint8 *)text + cut, size - cut, append, out, &error) &&
                copy_text_finish(&copy, &error);
  assert_int_equal(ok, error == NULL);
  if (!ok) {
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
    return NULL;
  }
  *ret_rows = copy.rows;
  return g_strdup(out->str);
}

static void
rows_are_counted_and_the_end_marker_is_cut_off_wherever_the_pieces_begin(void **state)
{
  static const struct {
    const char *text;
    const char *rows;
    guint64 n_rows;
  } cases[] = {
      {"\\.\n\n\n", "", 0},
      {"1\ta\n\\.\n\n\n", "1\ta\n", 1},
      {"\\N\n\\.\n\n\n", "\\N\n", 1},
      {"\\\\.\n\\.\n\n\n", "\\\\.\n", 1}, /* a row that is `\.`, escaped */
      {"a\\\\.\n.\n\\.\n\n\n", "a\\\\.\n.\n", 2},
      {"\n\n\\.\n\n\n", "\n\n", 2}, /* a table without columns */
      {"x\n\\.\n", "x\n", 1},
      {"a 62 character line that fills some vectors of the fast path..\n\\N\n\\\\.\nb\n\\.\n\n\n",
       "a 62 character line that fills some vectors of the fast path..\n\\N\n\\\\.\nb\n", 4},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    gsize size = strlen(cases[i].text);
    for (gsize cut = 0; cut <= size; cut++) {
      guint64 n_rows = 0;
      g_autofree char *rows = rows_of(cases[i].text, size, cut, &n_rows);
      assert_string_equal(rows, cases[i].rows);
      assert_int_equal(n_rows, cases[i].n_rows);
    }
  }
}

static void
text_without_its_end_or_with_more_behind_it_is_refused_wherever_the_pieces_begin(void **state)
{
  static const char *texts[] = {
      "",
      "\\",
      "\\.",
      "1\n",
      "1\n\\.",
      "1\\.\n\n\n",
      "1\n\\.\n2\n\\.\n\n\n",
      "1\n\\.x\n\n",
      "\\.\n\n\nx",
      "a line that is as long as some vectors of the fast path are wide\n\\.x\nb\n\\.\n\n\n",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    gsize size = strlen(texts[i]);
    for (gsize cut = 0; cut <= size; cut++) {
      guint64 n_rows;
      g_autofree char *rows = rows_of(texts[i], size, cut, &n_rows);
      assert_null(rows);
    }
  }
}

static void
the_fast_path_counts_as_a_plain_loop_does(void **state)
{
  for (guint32 seed = 0; seed < 50; seed++) {
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    gsize size = (gsize)g_rand_int_range(random, 0, 20000);
    g_autoptr(GString) text = g_string_sized_new(size);
    guint64 expected = 0;
    for (gsize i = 0; i < size; i++) {
      char c = "ab\n\\"[g_rand_int_range(random, 0, 4)];
      g_string_append_c(text, c);
      expected += c == '\n';
    }
    g_string_append(text, "z\n");
    g_autofree char *rows_only = g_strdup(text->str);
    g_string_append(text, "\\.\n\n\n");
    guint64 n_rows = 0;
    g_autofree char *rows = rows_of(text->str, text->len, size / 3, &n_rows);
    assert_string_equal(rows, rows_only);
    assert_int_equal(n_rows, expected + 1);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_counted_and_the_end_marker_is_cut_off_wherever_the_pieces_begin),
      cmocka_unit_test(text_without_its_end_or_with_more_behind_it_is_refused_wherever_the_pieces_begin),
      cmocka_unit_test(the_fast_path_counts_as_a_plain_loop_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
