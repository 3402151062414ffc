/* States and channels on a real server. What is sent, and how, is tested by test/api/notify.test.mjs. */
#include "base/error.h"
#include "notify/channel.h"
#include "notify/kinds.h"
#include "notify/notify.h"
#include "pg/migrate/migrate.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;
static PgConnection *connection;
static char *directory;

static void
run(const char *sql)
{
  assert_true(pg_connection_exec(connection, sql, NULL));
}

static char *
ask(const char *sql)
{
  char *value = NULL;
  assert_true(pg_connection_value(connection, &value, NULL, sql, 0));
  return value;
}

static void
assert_value(const char *sql, const char *expected)
{
  g_autofree char *value = ask(sql);
  assert_string_equal(value != NULL ? value : "(null)", expected);
}

#define MOODS "SELECT coalesce(string_agg(mood, ' ' ORDER BY id), '') FROM cch_data.notify_queue"

static void
report(gboolean is_bad)
{
  assert_true(notify_state(NULL, connection, "job:daily", NOTIFY_BACKUP_FAILED, is_bad, NULL, NULL));
}

static gboolean
save(const char *id, const char *json, char **ret_id, GError **error)
{
  g_autoptr(json_t) given = json_loads(json, 0, NULL);
  assert_non_null(given);
  return notify_channel_save(connection, directory, id, given, ret_id, error);
}

static char *
add_channel(const char *json)
{
  char *id = NULL;
  assert_true(save(NULL, json, &id, NULL));
  return id;
}

#define WEBHOOK "{\"name\": \"w\", \"type\": \"webhook\", \"settings\": {\"url\": \"https://u:p@a.example:8443/x?y\"}}"

static int
empty_tables(void **state)
{
  (void)state;
  run("TRUNCATE cch_data.notify_channels, cch_data.notify_states, cch_data.notify_queue");
  return 0;
}

static void
fifty_bad_runs_make_one_message_and_one_more_when_it_is_over(void **state)
{
  (void)state;
  g_autofree char *id = add_channel(WEBHOOK);
  report(FALSE);
  assert_value(MOODS, "");
  for (guint i = 0; i < 50; i++)
    report(TRUE);
  assert_value(MOODS, "bad");
  report(FALSE);
  report(FALSE);
  assert_value(MOODS, "bad recovered");
  report(TRUE);
  assert_value(MOODS, "bad recovered bad");
}

static void
what_stays_bad_is_told_again_once_a_day_with_its_beginning(void **state)
{
  (void)state;
  g_autofree char *id = add_channel(WEBHOOK);
  report(TRUE);
  run("UPDATE cch_data.notify_states SET told_at = now() - interval '25 hours', since = '2026-01-01 04:00+00'");
  report(TRUE);
  report(TRUE);
  assert_value(MOODS, "bad reminder");
  assert_value("SELECT since = '2026-01-01 04:00+00' FROM cch_data.notify_queue WHERE mood = 'reminder'", "t");
}

static void
who_comes_later_is_told_at_the_next_report(void **state)
{
  (void)state;
  report(TRUE);
  run("UPDATE cch_data.notify_states SET since = '2026-01-01 04:00+00'");
  g_autofree char *id = add_channel(WEBHOOK);
  report(TRUE);
  assert_value(MOODS, "bad");
  assert_value("SELECT since = '2026-01-01 04:00+00' FROM cch_data.notify_queue", "t");
}

static void
nobody_is_told_that_it_is_good_again_who_did_not_hear_that_it_was_bad(void **state)
{
  (void)state;
  report(TRUE);
  g_autofree char *id = add_channel(WEBHOOK);
  report(FALSE);
  assert_value(MOODS, "");
}

static void
a_success_goes_only_to_those_who_want_it(void **state)
{
  (void)state;
  g_autofree char *one = add_channel(WEBHOOK);
  g_autofree char *two =
      add_channel("{\"name\": \"p\", \"type\": \"ping\", \"settings\": {\"url\": \"http://a.example/\"}}");
  g_autofree char *off = add_channel("{\"name\": \"o\", \"type\": \"ping\", \"enabled\": false,"
                                     " \"settings\": {\"url\": \"http://a.example/\"}}");
  g_autoptr(json_t) details = json_pack("{s:s}", "backup", "backup_2026");
  for (guint i = 0; i < 2; i++)
    assert_true(notify_state(NULL, connection, "job:daily", NOTIFY_BACKUP_SUCCEEDED, FALSE, details, NULL));
  g_autofree char *sql =
      g_strdup_printf("SELECT count(*) FROM cch_data.notify_queue WHERE channel_id = %s AND mood = 'done'"
                      " AND details->>'backup' = 'backup_2026'",
                      two);
  assert_value(sql, "2");
  assert_value("SELECT count(*) FROM cch_data.notify_queue", "2");
}

static void
the_callers_transaction_decides_and_survives_a_failure(void **state)
{
  (void)state;
  g_autofree char *id = add_channel(WEBHOOK);
  run("BEGIN");
  report(TRUE);
  run("ROLLBACK");
  assert_value(MOODS, "");
  run("BEGIN; ALTER TABLE cch_data.notify_states RENAME TO gone");
  assert_false(notify_state(NULL, connection, "disk", NOTIFY_DISK_SHORT, TRUE, NULL, NULL));
  run("ALTER TABLE cch_data.gone RENAME TO notify_states; COMMIT");
  report(TRUE);
  assert_value(MOODS, "bad");
}

static void
secrets_are_sealed_and_not_shown(void **state)
{
  (void)state;
  g_autofree char *id = add_channel("{\"name\": \"d\", \"type\": \"dingtalk\", \"settings\": {\"url\": "
                                    "\"https://u:p4ss@ding.example/r?access_token=t0ken\","
                                    " \"secret\": \"SEC0\"}}");
  g_autofree char *shown = notify_channel_read(connection, id, NULL);
  g_autofree char *row = ask("SELECT c::text || encode(sealed, 'escape') FROM cch_data.notify_channels c");
  for (const char *const *secret = (const char *const[]){"p4ss", "t0ken", "SEC0", NULL}; *secret != NULL; secret++) {
    assert_null(strstr(shown, *secret));
    assert_null(strstr(row, *secret));
  }
  assert_non_null(strstr(shown, "\"target\":\"https://ding.example\""));
  assert_non_null(strstr(shown, "\"secret\":true"));
  assert_non_null(strstr(shown, "\"proxyUrl\":false"));
  g_auto(NotifyChannel) channel = {0};
  assert_true(notify_channel_open(connection, directory, id, &channel, NULL));
  assert_string_equal(json_string_value(json_object_get(channel.settings, "secret")), "SEC0");
}

static void
a_change_keeps_what_it_does_not_name(void **state)
{
  (void)state;
  g_autofree char *id = add_channel(
      "{\"name\": \"f\", \"type\": \"feishu\", \"settings\": {\"url\": \"https://f.example/1\", \"secret\": \"s\"}}");
  g_autofree char *again = NULL, *once_more = NULL;
  assert_true(save(id, "{\"name\": \"g\", \"settings\": {\"url\": \"https://f.example/2\"}}", &again, NULL));
  {
    g_auto(NotifyChannel) channel = {0};
    assert_true(notify_channel_open(connection, directory, id, &channel, NULL));
    assert_string_equal(json_string_value(json_object_get(channel.settings, "secret")), "s");
    assert_string_equal(json_string_value(json_object_get(channel.settings, "url")), "https://f.example/2");
    assert_string_equal(channel.name, "g");
  }
  assert_true(save(id, "{\"settings\": {\"secret\": null}}", &once_more, NULL));
  g_auto(NotifyChannel) channel = {0};
  assert_true(notify_channel_open(connection, directory, id, &channel, NULL));
  assert_null(json_object_get(channel.settings, "secret"));
}

static void
without_the_key_it_is_said_that_it_is_lost(void **state)
{
  (void)state;
  g_autofree char *id = add_channel(WEBHOOK);
  g_autofree char *other = test_directory_new();
  g_autoptr(GError) error = NULL;
  g_auto(NotifyChannel) channel = {0};
  assert_false(notify_channel_open(connection, other, id, &channel, &error));
  assert_int_equal(error_code(error), CCH_ERROR_SECRET_KEY_LOST);
  test_directory_free(g_steal_pointer(&other));
}

static void
a_lost_key_is_cured_by_entering_the_secrets_again(void **state)
{
  (void)state;
  g_autofree char *id = add_channel(
      "{\"name\": \"f\", \"type\": \"feishu\", \"settings\": {\"url\": \"https://f.example/1\", \"secret\": \"s\"}}");
  g_autofree char *here = g_steal_pointer(&directory);
  directory = test_directory_new();
  for (const char *const *change =
           (const char *const[]){"{\"name\": \"g\"}", "{\"enabled\": false, \"language\": \"en\"}", NULL};
       *change != NULL; change++) {
    g_autofree char *same = NULL;
    assert_true(save(id, *change, &same, NULL));
  }
  assert_value("SELECT name || target || secret_names::text || (sealed IS NOT NULL) FROM cch_data.notify_channels",
               "ghttps://f.example{url,secret}true");
  static const char *const refused[][2] = {
      {"{\"enabled\": true}", "settings.url is missing"},
      {"{\"settings\": {}}", "settings.url is missing"},
      {"{\"settings\": {\"url\": \"https://f.example/2\"}}", "settings.secret is missing"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autofree char *none = NULL;
    g_autoptr(GError) error = NULL;
    assert_false(save(id, refused[i][0], &none, &error));
    assert_int_equal(error_code(error), CCH_ERROR_NOTIFY_CHANNEL_INVALID);
    assert_true(g_str_has_prefix(error->message, refused[i][1]));
  }
  g_autofree char *again = NULL;
  assert_true(save(id, "{\"settings\": {\"url\": \"https://f.example/2\", \"secret\": null}}", &again, NULL));
  g_auto(NotifyChannel) channel = {0};
  assert_true(notify_channel_open(connection, directory, id, &channel, NULL));
  assert_string_equal(json_string_value(json_object_get(channel.settings, "url")), "https://f.example/2");
  assert_null(json_object_get(channel.settings, "secret"));
  test_directory_free(directory);
  directory = g_steal_pointer(&here);
}

static void
another_server_gets_no_secret_that_was_not_given_for_it(void **state)
{
  (void)state;
#define MAIL(server) "\"server\": \"" server "\""
  static const struct {
    const char *channel, *moved, *missing, *given;
  } cases[] = {
      {"\"email\", \"settings\": {" MAIL(
           "smtps://a.example") ", \"user\": \"u\", \"password\": \"p\", \"from\": \"a@b\","
                                " \"to\": \"c@d\"}",
       MAIL("smtps://b.example"), "settings.password is missing", MAIL("smtps://b.example") ", \"password\": \"q\""},
      {"\"telegram\", \"settings\": {\"botToken\": \"t\", \"chatId\": \"1\"}", "\"apiUrl\": \"https://b.example\"",
       "settings.botToken is missing", "\"apiUrl\": \"https://b.example\", \"botToken\": \"u\""},
      {"\"custom\", \"settings\": {\"url\": \"https://a.example/1\", \"template\": {}, \"headers\": {\"X\": \"h\"}}",
       "\"url\": \"https://b.example/1\"", "settings.headers is missing", "\"url\": \"https://a.example/2\""},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *json = g_strdup_printf("{\"name\": \"x\", \"type\": %s}", cases[i].channel);
    g_autofree char *moved = g_strdup_printf("{\"settings\": {%s}}", cases[i].moved);
    g_autofree char *given = g_strdup_printf("{\"settings\": {%s}}", cases[i].given);
    g_autofree char *id = add_channel(json), *none = NULL, *again = NULL;
    g_autoptr(GError) error = NULL;
    assert_false(save(id, moved, &none, &error));
    assert_int_equal(error_code(error), CCH_ERROR_NOTIFY_CHANNEL_INVALID);
    assert_true(g_str_has_prefix(error->message, cases[i].missing));
    assert_true(save(id, given, &again, NULL));
  }
}

static void
a_target_of_the_hub_is_used_with_whatever_columns_there_are(void **state)
{
  (void)state;
  run("CREATE TABLE public.webhook_targets (id serial, name text, provider_type text, webhook_url text,"
      " dingtalk_secret text, is_enabled bool);"
      "INSERT INTO public.webhook_targets (name, provider_type, webhook_url, dingtalk_secret, is_enabled)"
      " VALUES ('ops', 'dingtalk', 'https://ding.example/', 'S', true)");
  g_autofree char *id = add_channel("{\"name\": \"h\", \"type\": \"hub\", \"settings\": {\"targetId\": 1}}");
  {
    g_auto(NotifyChannel) channel = {0};
    assert_true(notify_channel_open(connection, directory, id, &channel, NULL));
    assert_string_equal(channel.type, "dingtalk");
    assert_string_equal(json_string_value(json_object_get(channel.settings, "secret")), "S");
  }
  g_autofree char *list = notify_channel_list(connection, NULL);
  assert_non_null(strstr(list, "\"hubTargets\":[{\"id\":1,\"name\":\"ops\",\"type\":\"dingtalk\",\"enabled\":true}]"));
  const char *const changes[] = {"UPDATE public.webhook_targets SET is_enabled = false",
                                 "DELETE FROM public.webhook_targets", "DROP TABLE public.webhook_targets"};
  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    run(changes[i]);
    g_autoptr(GError) error = NULL;
    g_auto(NotifyChannel) channel = {0};
    assert_false(notify_channel_open(connection, directory, id, &channel, &error));
    assert_int_equal(error_code(error), CCH_ERROR_NOTIFY_CHANNEL_INVALID);
  }
}

static void
wrong_settings_are_refused(void **state)
{
  (void)state;
  static const char *const wrong[] = {
      "{}",
      "{\"name\": \"a\", \"type\": \"pager\"}",
      "{\"name\": \"\", \"type\": \"slack\", \"settings\": {\"url\": \"https://a.example\"}}",
      "{\"name\": \"a\\nb\", \"type\": \"slack\", \"settings\": {\"url\": \"https://a.example\"}}",
      "{\"name\": \"a\", \"type\": \"slack\"}",
      "{\"name\": \"a\", \"type\": \"slack\", \"settings\": {\"url\": \"file:///etc/passwd\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"settings\": {\"url\": \"gopher://a.example\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"settings\": {\"url\": \"https:///x\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"settings\": {\"url\": \"https://a.example/\\r\\nX: y\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"settings\": {\"url\": 5}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"settings\": {\"url\": \"https://a.example\", \"chatId\": \"1\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"more\": 1, \"settings\": {\"url\": \"https://a.example\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"kinds\": [\"x\"], \"settings\": {\"url\": \"https://a.example\"}}",
      "{\"name\": \"a\", \"type\": \"slack\", \"language\": \"fr\", \"settings\": {\"url\": \"https://a.example\"}}",
      "{\"name\": \"a\", \"type\": \"ping\", \"kinds\": [\"backup_failed\"], \"settings\": {\"url\": "
      "\"https://a.example\"}}",
      "{\"name\": \"a\", \"type\": \"custom\", \"settings\": {\"url\": \"https://a.example\", \"template\": []}}",
      "{\"name\": \"a\", \"type\": \"custom\", \"settings\": {\"url\": \"https://a.example\", \"template\": {},"
      " \"headers\": {\"A B\": \"c\"}}}",
      "{\"name\": \"a\", \"type\": \"email\", \"settings\": {\"server\": \"http://a\", \"from\": \"a@b\", \"to\": "
      "\"c@d\"}}",
      "{\"name\": \"a\", \"type\": \"email\", \"settings\": {\"server\": \"smtp://a\", \"from\": \"a@b>\", \"to\": "
      "\"c@d\"}}",
      "{\"name\": \"a\", \"type\": \"email\", \"settings\": {\"server\": \"smtp://a\", \"from\": \"a@b\", \"to\": "
      "\"c\"}}",
      "{\"name\": \"a\", \"type\": \"email\", \"settings\": {\"server\": \"smtp://a.example\", \"from\": \"a@b\", "
      "\"to\": \"c@d\","
      " \"plain\": true, \"user\": \"u\", \"password\": \"p\"}}",
      "{\"name\": \"a\", \"type\": \"email\", \"settings\": {\"server\": \"smtp://u:p@a\", \"from\": \"a@b\", \"to\": "
      "\"c@d\"}}",
      "{\"name\": \"a\", \"type\": \"telegram\", \"settings\": {\"botToken\": \"t\", \"chatId\": \"1\", \"apiUrl\": "
      "\"https://u:p@a\"}}",
      "{\"name\": \"a\", \"type\": \"hub\", \"settings\": {\"targetId\": -1}}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    if (save(NULL, wrong[i], &id, &error) || error_code(error) != CCH_ERROR_NOTIFY_CHANNEL_INVALID)
      fail_msg("%s: %s", wrong[i], error != NULL ? error->message : "saved");
  }
  assert_value("SELECT count(*) FROM cch_data.notify_channels", "0");
  for (const char *const *id = (const char *const[]){"1", "x", "", "99999999999999999999", NULL}; *id != NULL; id++) {
    g_autoptr(GError) error = NULL;
    assert_false(notify_channel_delete(connection, *id, &error));
    assert_int_equal(error_code(error), CCH_ERROR_NOTIFY_CHANNEL_UNKNOWN);
  }
}

static void
every_kind_has_its_own_name(void **state)
{
  (void)state;
  for (NotifyKind kind = 0; kind < NOTIFY_N_KINDS; kind++) {
    NotifyKind found;
    assert_true(notify_kind_parse(notify_kind_name(kind), &found));
    assert_int_equal(found, kind);
  }
}

static int
set_up(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  directory = test_directory_new();
  connection = pg_connection_open(test_postgres_dsn(postgres), "test", NULL, NULL);
  return connection != NULL && pg_migrate_own(connection, NULL) ? 0 : -1;
}

static int
tear_down(void **state)
{
  (void)state;
  pg_connection_free(connection);
  test_directory_free(directory);
  test_postgres_free(postgres);
  return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, empty_tables)

int
main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(fifty_bad_runs_make_one_message_and_one_more_when_it_is_over),
      TEST(what_stays_bad_is_told_again_once_a_day_with_its_beginning),
      TEST(who_comes_later_is_told_at_the_next_report),
      TEST(nobody_is_told_that_it_is_good_again_who_did_not_hear_that_it_was_bad),
      TEST(a_success_goes_only_to_those_who_want_it),
      TEST(the_callers_transaction_decides_and_survives_a_failure),
      TEST(secrets_are_sealed_and_not_shown),
      TEST(a_change_keeps_what_it_does_not_name),
      TEST(without_the_key_it_is_said_that_it_is_lost),
      TEST(a_lost_key_is_cured_by_entering_the_secrets_again),
      TEST(another_server_gets_no_secret_that_was_not_given_for_it),
      TEST(a_target_of_the_hub_is_used_with_whatever_columns_there_are),
      TEST(wrong_settings_are_refused),
      TEST(every_kind_has_its_own_name),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
