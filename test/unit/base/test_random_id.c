#include "base/random_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
an_id_has_two_lowercase_digits_a_byte(void **state)
{
  (void)state;
  for (gsize n_bytes = 1; n_bytes <= 32; n_bytes++) {
    g_autofree char *id = random_id_new(n_bytes);
    assert_int_equal(strlen(id), 2 * n_bytes);
    assert_int_equal(strspn(id, "0123456789abcdef"), 2 * n_bytes);
  }
}

static void
no_two_ids_are_equal(void **state)
{
  (void)state;
  g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < 10000; i++)
    assert_true(g_hash_table_add(ids, random_id_new(8)));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_id_has_two_lowercase_digits_a_byte),
      cmocka_unit_test(no_two_ids_are_equal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
