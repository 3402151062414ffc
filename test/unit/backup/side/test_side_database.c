#include "backup/side/side_database.h"
#include "backup/swap/disk_space.h"
#include "backup/swap/shadow.h"
#include "base/error.h"
#include "pg/migrate/migrate.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

static TestPostgres *postgres;

static PgConnection *
connect_to_live(void)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, &error);
  if (connection == NULL)
    fail_msg("%s", error->message);
  assert_true(pg_migrate_own(connection, NULL));
  return connection;
}

static PgConnection *
connect_elsewhere(PgConnection *live)
{
  PgConnection *connection = side_database_maintenance_open(live, test_postgres_dsn(postgres), NULL, NULL);
  assert_non_null(connection);
  return connection;
}

static void
exec(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

static guint32
oid_of(PgConnection *connection, const char *name)
{
  guint32 oid = 0;
  assert_true(side_database_oid(connection, name, &oid, NULL));
  return oid;
}

static void
a_name_says_what_it_is_and_is_new_each_time(void **state)
{
  (void)state;
  g_autofree char *first = side_database_name_new("hub", SIDE_SHADOW);
  g_autofree char *second = side_database_name_new("hub", SIDE_SHADOW);
  g_autofree char *kept = side_database_name_new("hub", SIDE_KEPT);
  assert_true(g_str_has_prefix(first, "hub_cch_new_"));
  assert_true(g_str_has_prefix(kept, "hub_cch_old_"));
  assert_int_equal(strlen(first), strlen("hub_cch_new_") + 16);
  assert_string_not_equal(first, second);
  assert_true(side_database_is_name(first) && side_database_is_name(kept));
}

static void
a_name_is_cut_at_a_character_within_what_postgresql_allows(void **state)
{
  (void)state;
  for (guint length = 0; length <= 63; length++) {
    g_autofree char *ascii = g_strnfill(length, 'a');
    g_autofree char *live = g_strconcat(ascii, "éé", NULL);
    g_autofree char *name = side_database_name_new(live, SIDE_KEPT);
    assert_true(strlen(name) <= 63);
    assert_true(g_utf8_validate(name, -1, NULL));
    assert_true(side_database_is_name(name));
  }
}

static void
other_names_are_not_ours(void **state)
{
  (void)state;
  static const char *const names[] = {"",
                                      "hub",
                                      "postgres",
                                      "hub_cch_new_",
                                      "hub_cch_new_0123456789abcde",
                                      "hub_cch_new_0123456789abcdefa",
                                      "hub_cch_new_0123456789ABCDEF",
                                      "hub_cch_odd_0123456789abcdef",
                                      "0123456789abcdef"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    assert_false(side_database_is_name(names[i]));
}

static void
only_the_recorded_database_is_dropped(void **state)
{
  (void)state;
  g_autoptr(PgConnection) live = connect_to_live();
  g_autoptr(PgConnection) elsewhere = connect_elsewhere(live);
  static const char name[] = "hub_cch_new_0123456789abcdef";
  exec(elsewhere, "CREATE DATABASE hub_cch_new_0123456789abcdef");
  guint32 oid = oid_of(elsewhere, name);
  assert_int_not_equal(oid, 0);

  assert_true(side_database_drop(live, elsewhere, name, oid + 1, NULL));
  assert_int_equal(oid_of(elsewhere, name), oid);
  assert_true(side_database_drop(live, elsewhere, name, oid, NULL));
  assert_int_equal(oid_of(elsewhere, name), 0);
  assert_true(side_database_drop(live, elsewhere, name, oid, NULL));

  g_autoptr(GError) error = NULL;
  assert_false(side_database_drop(live, elsewhere, "template1", 0, &error));
  assert_int_equal(error_code(error), CCH_ERROR_INTERNAL);
}

static void
one_that_a_dead_client_still_creates_does_not_appear_later(void **state)
{
  (void)state;
  g_autoptr(PgConnection) live = connect_to_live();
  g_autoptr(PgConnection) elsewhere = connect_elsewhere(live);
  g_autoptr(PgConnection) creator = connect_elsewhere(live);
  g_autoptr(PgConnection) holder = connect_elsewhere(live);
  static const char name[] = "hub_cch_new_00000000000000aa";
  exec(holder, "BEGIN; LOCK TABLE pg_catalog.pg_database IN SHARE MODE");
  assert_true(
      pg_connection_query_begin(creator, "CREATE DATABASE hub_cch_new_00000000000000aa TEMPLATE template0", NULL));
  g_autofree char *waiting = NULL;
  for (guint i = 0; i < 400 && waiting == NULL; i++) {
    g_usleep(50 * 1000);
    assert_true(pg_connection_value(elsewhere, &waiting, NULL,
                                    "SELECT pid FROM pg_catalog.pg_stat_activity WHERE wait_event_type = 'Lock'", 0));
  }
  assert_non_null(waiting);
  assert_true(side_database_drop(live, elsewhere, name, 0, NULL));
  exec(holder, "COMMIT");
  assert_null(pg_connection_query_end(creator, NULL));
  assert_int_equal(oid_of(elsewhere, name), 0);
}

static void
a_shadow_is_on_record_before_others_may_connect_and_discarded_whole(void **state)
{
  (void)state;
  g_autoptr(PgConnection) live = connect_to_live();
  g_autoptr(PgConnection) elsewhere = connect_elsewhere(live);
  g_autoptr(GError) error = NULL;
  g_autoptr(Shadow) shadow =
      shadow_create(SHADOW_FOR_SWAP, live, elsewhere, test_postgres_dsn(postgres), "tester", LANGUAGE_EN, NULL, &error);
  if (shadow == NULL)
    fail_msg("%s", error->message);
  g_autofree char *recorded = NULL;
  assert_true(pg_connection_value(live, &recorded, NULL, "SELECT side_oid FROM cch_data.databases WHERE name = $1", 1,
                                  shadow->name));
  assert_int_equal(g_ascii_strtoull(recorded, NULL, 10), shadow->oid);
  exec(elsewhere, "CREATE ROLE somebody");
  const char *sql = "SELECT pg_catalog.has_database_privilege('somebody', $1::pg_catalog.text, 'CONNECT')";
  g_autofree char *before = NULL, *after = NULL;
  assert_true(pg_connection_value(elsewhere, &before, NULL, sql, 1, shadow->name));
  assert_string_equal(before, "f");
  assert_true(shadow_open_to_others(shadow, elsewhere, NULL));
  assert_true(pg_connection_value(elsewhere, &after, NULL, sql, 1, shadow->name));
  assert_string_equal(after, "t");
  shadow_discard(shadow, test_postgres_dsn(postgres));
  assert_int_equal(oid_of(elsewhere, shadow->name), 0);
  g_autofree char *left = NULL;
  assert_true(pg_connection_value(live, &left, NULL, "SELECT count(*) FROM cch_data.databases", 0));
  assert_string_equal(left, "0");
}

static void
too_little_disk_is_told_where_the_server_is_here(void **state)
{
  (void)state;
  g_autoptr(PgConnection) live = connect_to_live();
  g_autoptr(GError) error = NULL;
  gboolean is_known = FALSE;
  assert_true(disk_space_check(live, 1, &is_known, NULL));
  assert_true(is_known);
  assert_false(disk_space_check(live, G_MAXINT64, &is_known, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DISK_FULL);
  exec(live, "CREATE ROLE ordinary; SET ROLE ordinary");
  assert_true(disk_space_check(live, G_MAXINT64, &is_known, NULL));
  assert_false(is_known);
}

static int
start(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  return 0;
}

static int
stop(void **state)
{
  (void)state;
  test_postgres_free(postgres);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_says_what_it_is_and_is_new_each_time),
      cmocka_unit_test(a_name_is_cut_at_a_character_within_what_postgresql_allows),
      cmocka_unit_test(other_names_are_not_ours),
      cmocka_unit_test(only_the_recorded_database_is_dropped),
      cmocka_unit_test(one_that_a_dead_client_still_creates_does_not_appear_later),
      cmocka_unit_test(a_shadow_is_on_record_before_others_may_connect_and_discarded_whole),
      cmocka_unit_test(too_little_disk_is_told_where_the_server_is_here),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
