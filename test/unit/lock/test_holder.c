#include "lock/holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static void
a_value_starts_as_the_hubs_and_tells_its_holder(void **state)
{
  (void)state;
  g_autofree char *value = lock_value_new("import", "张三 @ 10.0.0.7", "7/16384");
  assert_true(g_regex_match_simple("^[0-9]{13}-[0-9a-f]{32} \\{\"operation\":\"import\",", value, 0, 0));
  assert_true(g_regex_match_simple("\"host\":\".+\",\"pid\":[0-9]+,\"since\":\"", value, 0, 0));
  g_auto(BackupLockHolder) holder = {0};
  lock_value_read(value, &holder);
  assert_true(holder.is_held);
  assert_string_equal(holder.operation, "import");
  assert_string_equal(holder.holder, "张三 @ 10.0.0.7");
  g_autoptr(GDateTime) since = g_date_time_new_from_iso8601(holder.since, NULL);
  assert_non_null(since);
  assert_in_range(g_get_real_time() / G_USEC_PER_SEC - g_date_time_to_unix(since), 0, 2);
}

static void
two_values_are_never_the_same(void **state)
{
  (void)state;
  g_autofree char *one = lock_value_new("import", "A", NULL);
  g_autofree char *two = lock_value_new("import", "A", NULL);
  assert_string_not_equal(one, two);
}

static void
the_hubs_own_value_is_the_hubs(void **state)
{
  (void)state;
  g_auto(BackupLockHolder) holder = {0};
  lock_value_read("1769682600000-k3j9x2", &holder);
  assert_true(holder.is_held);
  assert_null(holder.operation);
  assert_string_equal(holder.holder, "the hub");
  assert_string_equal(holder.since, "2026-01-29T10:30:00Z");
}

static void
any_other_value_is_read_without_trust(void **state)
{
  (void)state;
  g_autofree char *huge = g_strnfill(1000 * 1000, 'x');
  const char *values[] = {"", " ", "-", "x {}", "1- {\"holder\":1}", "99999999999999999999-1 {", "-5-1", huge};
  for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
    g_auto(BackupLockHolder) holder = {0};
    lock_value_read(values[i], &holder);
    assert_true(holder.is_held);
    assert_null(holder.operation);
    assert_null(holder.holder);
  }
}

static void
control_characters_and_excess_are_taken_out(void **state)
{
  (void)state;
  g_autofree char *long_name = g_strnfill(5000, 'n');
  g_autofree char *name = g_strconcat("a\nb\x1b\xff", long_name, NULL);
  g_autofree char *value = lock_value_new("import", name, NULL);
  g_auto(BackupLockHolder) holder = {0};
  lock_value_read(value, &holder);
  assert_true(g_str_has_prefix(holder.holder, "a b \xef\xbf\xbdnnn"));
  assert_int_equal(g_utf8_strlen(holder.holder, -1), 200);
}

static void
a_value_belongs_to_the_database_it_names(void **state)
{
  (void)state;
  g_autofree char *named = lock_value_new("import", "A", "7/16384");
  g_autofree char *unnamed = lock_value_new("import", "A", NULL);
  assert_true(lock_value_is_of_database(named, "7/16384"));
  assert_false(lock_value_is_of_database(named, "7/16385"));
  assert_false(lock_value_is_of_database(named, NULL));
  assert_false(lock_value_is_of_database(unnamed, NULL));
  assert_false(lock_value_is_of_database("1769682600000-k3j9x2", "7/16384"));
  assert_int_equal(lock_value_database_oid(named, "7/1"), 16384);
  assert_int_equal(lock_value_database_oid(named, "77/1"), 0);
  assert_int_equal(lock_value_database_oid(named, NULL), 0);
  assert_int_equal(lock_value_database_oid(unnamed, "7/1"), 0);
}

static void
assert_name_round_trip(const char *holder_name, const char *expected_name, const char *expected_holder)
{
  g_autofree char *name = lock_name_new("import", holder_name);
  assert_string_equal(name, expected_name);
  assert_true(strlen(name) <= LOCK_NAME_MAX_BYTES);
  g_auto(BackupLockHolder) holder = {0};
  assert_true(lock_name_read(name, &holder));
  assert_string_equal(holder.operation, "import");
  assert_string_equal(holder.holder, expected_holder);
}

static void
a_connection_name_tells_its_holder_in_63_bytes_of_ascii(void **state)
{
  (void)state;
  assert_name_round_trip("Admin Token", "cch-data lock: import by Admin Token", "Admin Token");
  assert_name_round_trip("100% by me", "cch-data lock: import by 100%25 by me", "100% by me");
  assert_name_round_trip("张三 @ ::1", "cch-data lock: import by %E5%BC%A0%E4%B8%89 @ ::1", "张三 @ ::1");
  assert_name_round_trip("一二三四五六", "cch-data lock: import by %E4%B8%80%E4%BA%8C%E4%B8%89%E5%9B%9B", "一二三四");
  assert_name_round_trip("012345678901234567890123456789012345678901234567890",
                         "cch-data lock: import by 01234567890123456789012345678901234567",
                         "01234567890123456789012345678901234567");
}

static void
other_connection_names_are_not_read(void **state)
{
  (void)state;
  g_auto(BackupLockHolder) holder = {0};
  assert_false(lock_name_read("psql", &holder));
  assert_false(lock_name_read("cch-data lock: import", &holder));
  assert_false(lock_name_read("", &holder));
  assert_false(holder.is_held);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_starts_as_the_hubs_and_tells_its_holder),
      cmocka_unit_test(two_values_are_never_the_same),
      cmocka_unit_test(the_hubs_own_value_is_the_hubs),
      cmocka_unit_test(any_other_value_is_read_without_trust),
      cmocka_unit_test(control_characters_and_excess_are_taken_out),
      cmocka_unit_test(a_value_belongs_to_the_database_it_names),
      cmocka_unit_test(a_connection_name_tells_its_holder_in_63_bytes_of_ascii),
      cmocka_unit_test(other_connection_names_are_not_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
