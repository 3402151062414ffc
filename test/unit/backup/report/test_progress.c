#include "backup/report/event_json.h"
#include "backup/report/progress.h"
#include "base/error.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* The received events, each as the JSON of the API. */
static void
hear(const BackupEvent *event, gpointer user_data)
{
  g_autoptr(json_t) json = backup_event_to_json(event);
  g_autofree char *text = backup_event_json_text(json);
  json_error_t problem;
  json_t *object = json_loads(text, 0, &problem);
  if (object == NULL)
    fail_msg("%s: %s", problem.text, text);
  assert_null(strchr(text, '\n'));
  g_ptr_array_add(user_data, object);
}

static GPtrArray *
events_new(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
}

static json_t *
event_at(const GPtrArray *events, guint index)
{
  assert_true(index < events->len);
  return events->pdata[index];
}

static json_t *
last_event(const GPtrArray *events)
{
  assert_true(events->len > 0);
  return event_at(events, events->len - 1);
}

static const char *
text_of(json_t *event, const char *name)
{
  return json_string_value(json_object_get(event, name));
}

static gint64
number_of(json_t *event, const char *name)
{
  json_t *value = json_object_get(event, name);
  assert_true(json_is_integer(value));
  return json_integer_value(value);
}

static double
percent_of(json_t *event)
{
  json_t *value = json_object_get(event, "percent");
  assert_true(json_is_number(value));
  return json_number_value(value);
}

/* ---- Progress ---- */

static void
assert_percent_rises(const GPtrArray *events)
{
  double before = 0;
  for (guint i = 0; i < events->len; i++) {
    double percent = percent_of(event_at(events, i));
    assert_true(percent >= before && percent <= 100);
    before = percent;
  }
}

static void
the_percentage_never_goes_back(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  for (BackupPhase phase = BACKUP_PHASE_CHECK; phase < BACKUP_PHASE_DONE; phase++) {
    backup_progress_phase(progress, phase);
    backup_progress_say(progress, TEXT_IMPORT_CHECKING);
    if (phase == BACKUP_PHASE_DATA)
      backup_progress_totals(progress, 100, 1000);
    for (guint step = 0; step < 10; step++) {
      if (phase == BACKUP_PHASE_DATA)
        backup_progress_add(progress, 10, 120); /* more than announced: the file's own count may be wrong */
      else
        backup_progress_set(progress, step, 9);
      backup_progress_say(progress, TEXT_IMPORT_CHECKING); /* reported at once, unlike the counts */
    }
  }
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  assert_int_equal(events->len, (guint)BACKUP_PHASE_DONE * 11 + 1);
  assert_percent_rises(events);
  assert_true(percent_of(last_event(events)) == 100);
  assert_int_equal(number_of(last_event(events), "rows"), 100);
  assert_int_equal(number_of(last_event(events), "bytes"), 1200);
}

static void
nothing_to_do_is_done(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_phase(progress, BACKUP_PHASE_DATA);
  backup_progress_set(progress, 0, 0);
  backup_progress_say(progress, TEXT_IMPORT_CHECKING);
  assert_true(percent_of(last_event(events)) == 75);
}

static void
a_new_attempt_starts_from_nothing(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_totals(progress, 10, 100);
  backup_progress_phase(progress, BACKUP_PHASE_DATA);
  backup_progress_add(progress, 10, 100);
  backup_progress_warn(progress, TEXT_IMPORT_WARNING, "x");
  backup_progress_table_done(progress, "public.users", 10, 10);
  backup_progress_restart(progress);
  backup_progress_phase(progress, BACKUP_PHASE_SCHEMA);
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  json_t *last = last_event(events);
  assert_int_equal(number_of(last, "rows"), 0);
  assert_int_equal(number_of(last, "bytes"), 0);
  assert_int_equal(number_of(last, "rowsTotal"), 10);
  assert_int_equal(number_of(last, "bytesTotal"), 100);
  assert_int_equal(number_of(last, "warningCount"), 0);
  assert_int_equal(number_of(last, "exitCode"), 0);
  assert_int_equal(json_array_size(json_object_get(last, "tables")), 0);
}

static void
counts_are_told_at_most_five_times_a_second(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_totals(progress, 1000 * 1000, 1000 * 1000);
  backup_progress_phase(progress, BACKUP_PHASE_DATA);
  gint64 start_us = g_get_monotonic_time();
  guint64 added = 0;
  while (g_get_monotonic_time() - start_us < G_USEC_PER_SEC / 2) {
    backup_progress_add(progress, 1, 1);
    added++;
    g_usleep(1000);
  }
  guint64 periods = (guint64)(g_get_monotonic_time() - start_us) / (G_USEC_PER_SEC / 5);
  assert_in_range(events->len, 2, periods + 1);
  for (guint i = 0; i < events->len; i++)
    assert_string_equal(text_of(event_at(events, i), "message"), "");
  backup_progress_say(progress, TEXT_IMPORT_CHECKING);
  assert_int_equal(number_of(last_event(events), "rows"), added);
}

/* ---- Messages ---- */

static void
warnings_count_and_cautions_do_not(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_say(progress, TEXT_IMPORT_SKIPPING_LOGS);
  backup_progress_caution(progress, TEXT_IMPORT_UNNAMED_TABLES, "2", "a, b");
  backup_progress_warn(progress, TEXT_IMPORT_WARNING, "INDEX i: it exists");
  assert_null(json_object_get(event_at(events, 0), "warning"));
  assert_true(json_is_true(json_object_get(event_at(events, 1), "warning")));
  assert_int_equal(number_of(event_at(events, 1), "warningCount"), 0);
  assert_true(json_is_true(json_object_get(event_at(events, 2), "warning")));
  assert_int_equal(number_of(event_at(events, 2), "warningCount"), 1);
  assert_string_equal(text_of(event_at(events, 2), "message"), "Ignored: INDEX i: it exists");
  backup_progress_say(progress, TEXT_IMPORT_COMMITTING);
  assert_null(json_object_get(event_at(events, 3), "warning"));
  assert_int_equal(number_of(event_at(events, 3), "warningCount"), 1);
}

static void
people_are_spoken_to_in_their_language(void **state)
{
  (void)state;
  static const struct {
    Language language;
    const char *said, *failed;
  } cases[] = {
      {LANGUAGE_ZH_CN, "正在导入表 public.users...", "数据库操作失败：boom。所有更改已回滚，数据库与导入前相同。"},
      {LANGUAGE_EN, "Importing table public.users...",
       "A database operation failed: boom. Everything was rolled back; the database is as it was before."},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GPtrArray) events = events_new();
    g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, cases[i].language);
    assert_int_equal(backup_progress_language(progress), cases[i].language);
    backup_progress_say(progress, TEXT_IMPORT_TABLE, "public.users");
    assert_string_equal(text_of(event_at(events, 0), "message"), cases[i].said);
    g_autoptr(GError) error = NULL;
    error_set(&error, CCH_ERROR_DATABASE_QUERY, "boom");
    backup_progress_fail(progress, error, TRUE);
    assert_string_equal(text_of(event_at(events, 1), "message"), cases[i].failed);
  }
}

/* ---- The last event ---- */

static void
completion_lists_the_tables(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_table(progress, "public.users");
  backup_progress_say(progress, TEXT_IMPORT_TABLE, "public.users");
  assert_string_equal(text_of(event_at(events, 0), "table"), "public.users");
  backup_progress_table_done(progress, "public.users", 10, 7);
  backup_progress_table_done(progress, "public.keys", 0, 0);
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  json_t *last = last_event(events);
  assert_string_equal(text_of(last, "type"), "complete");
  assert_string_equal(text_of(last, "phase"), "done");
  assert_string_equal(text_of(last, "message"), "Import and migrations are complete!");
  assert_int_equal(number_of(last, "exitCode"), 0);
  assert_null(json_object_get(last, "table"));
  assert_null(json_object_get(last, "errorCode"));
  json_t *tables = json_object_get(last, "tables");
  assert_int_equal(json_array_size(tables), 2);
  json_t *users = json_array_get(tables, 0);
  assert_string_equal(text_of(users, "table"), "public.users");
  assert_int_equal(number_of(users, "rows"), 10);
  assert_int_equal(number_of(users, "inserted"), 7);
  assert_int_equal(number_of(users, "skipped"), 3);
  assert_string_equal(text_of(json_array_get(tables, 1), "table"), "public.keys");
}

static void
completion_with_warnings_exits_with_1(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_warn(progress, TEXT_IMPORT_WARNING, "x");
  backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  assert_int_equal(number_of(last_event(events), "exitCode"), 1);
  assert_int_equal(number_of(last_event(events), "warningCount"), 1);
}

static void
failure_tells_the_code_and_where_it_was(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_EN);
  backup_progress_phase(progress, BACKUP_PHASE_INDEXES);
  g_autoptr(GError) error = NULL;
  error_set(&error, CCH_ERROR_DATABASE_DISK_FULL, "no room");
  backup_progress_fail(progress, error, FALSE);
  json_t *last = last_event(events);
  assert_string_equal(text_of(last, "type"), "error");
  assert_string_equal(text_of(last, "phase"), "indexes");
  assert_string_equal(text_of(last, "message"), "The database server's disk is full: no room");
  assert_string_equal(text_of(last, "errorCode"), "database.disk_full");
  assert_int_equal(number_of(last, "exitCode"), 8);
  assert_int_equal(number_of(last, "errorCount"), 1);
  assert_null(json_object_get(last, "tables"));
}

/* ---- JSON ---- */

static void
an_event_without_a_message_says_nothing(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  hear(&(BackupEvent){.phase = BACKUP_PHASE_DATA, .percent = 14.2857142, .rows = G_MAXINT64}, events);
  json_t *event = last_event(events);
  assert_string_equal(text_of(event, "type"), "progress");
  assert_string_equal(text_of(event, "message"), "");
  assert_string_equal(text_of(event, "phase"), "data");
  assert_true(number_of(event, "rows") == G_MAXINT64);
  assert_true(percent_of(event) > 14.29 && percent_of(event) < 14.31);
  assert_null(json_object_get(event, "exitCode"));
  assert_null(json_object_get(event, "table"));
}

static void
bytes_that_are_not_utf8_do_not_swallow_what_is_told(void **state)
{
  (void)state;
  BackupTableResult tables[] = {{.table = (char *)"bad\xfe", .rows_total = 3}, {.table = (char *)"good"}};
  g_autoptr(GPtrArray) events = events_new();
  hear(&(BackupEvent){.type = BACKUP_EVENT_COMPLETE,
                      .phase = BACKUP_PHASE_DONE,
                      .message = "caf\xe9 is open",
                      .table = "t\xc3",
                      .tables = tables,
                      .n_tables = G_N_ELEMENTS(tables)},
       events);
  json_t *event = last_event(events);
  assert_non_null(text_of(event, "message"));
  assert_string_equal(text_of(event, "message"), "caf\xef\xbf\xbd is open");
  assert_non_null(text_of(event, "table"));
  assert_string_equal(text_of(event, "table"), "t\xef\xbf\xbd");
  json_t *list = json_object_get(event, "tables");
  assert_int_equal(json_array_size(list), 2);
  assert_string_equal(text_of(json_array_get(list, 0), "table"), "bad\xef\xbf\xbd");
  assert_int_equal(number_of(json_array_get(list, 0), "rows"), 3);
}

static void
an_error_with_bytes_that_are_not_utf8_is_told(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  g_autoptr(BackupProgress) progress = backup_progress_new(hear, events, LANGUAGE_ZH_CN);
  g_autoptr(GError) error = g_error_new_literal(CCH_ERROR, CCH_ERROR_INTERNAL, "bad \xff\xfe");
  backup_progress_fail(progress, error, TRUE);
  assert_non_null(text_of(last_event(events), "message"));
  assert_non_null(strstr(text_of(last_event(events), "message"), "bad \xef\xbf\xbd\xef\xbf\xbd"));
}

static void
line_breaks_and_quotes_are_escaped(void **state)
{
  (void)state;
  g_autoptr(GPtrArray) events = events_new();
  hear(&(BackupEvent){.message = "a\nb\r\n\"c\"\\\t\x01 </script>"}, events); /* hear asserts that it is one line */
  assert_string_equal(text_of(last_event(events), "message"), "a\nb\r\n\"c\"\\\t\x01 </script>");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_percentage_never_goes_back),
      cmocka_unit_test(nothing_to_do_is_done),
      cmocka_unit_test(a_new_attempt_starts_from_nothing),
      cmocka_unit_test(counts_are_told_at_most_five_times_a_second),
      cmocka_unit_test(warnings_count_and_cautions_do_not),
      cmocka_unit_test(people_are_spoken_to_in_their_language),
      cmocka_unit_test(completion_lists_the_tables),
      cmocka_unit_test(completion_with_warnings_exits_with_1),
      cmocka_unit_test(failure_tells_the_code_and_where_it_was),
      cmocka_unit_test(an_event_without_a_message_says_nothing),
      cmocka_unit_test(bytes_that_are_not_utf8_do_not_swallow_what_is_told),
      cmocka_unit_test(an_error_with_bytes_that_are_not_utf8_is_told),
      cmocka_unit_test(line_breaks_and_quotes_are_escaped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
