/* Retention against a table of buckets: three simulated years with gaps, failures, two zones and clock changes. The
 * table is made by GLib's dates and strings, and the rules are applied to it in the plainest way. */
#include "schedule/when/retention.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const formats[RETENTION_N_RULES] = {"%s", "%F %H %z", "%F", "%G-%V", "%Y-%m", "%Y"};

/* The buckets of a moment, one for each rule. `known` keeps them, because GLib takes long to format dates. */
static char *const *
buckets_of(GHashTable *known, GTimeZone *zone, gint64 made_s)
{
  char **buckets = g_hash_table_lookup(known, &made_s);
  if (buckets == NULL) {
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(made_s);
    g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
    buckets = g_new0(char *, RETENTION_N_RULES + 1);
    for (guint rule = 0; rule < RETENTION_N_RULES; rule++)
      buckets[rule] = g_date_time_format(local, formats[rule]);
    g_hash_table_insert(known, g_memdup2(&made_s, sizeof made_s), buckets);
  }
  return buckets;
}

static void
mark_by_table(const RetentionRules *rules, GTimeZone *zone, GHashTable *known, const RetentionBackup *backups, guint n,
              gboolean only_proven, gboolean *kept)
{
  gboolean is_first = TRUE;
  for (guint rule = 0; rule < RETENTION_N_RULES; rule++) {
    g_autoptr(GHashTable) buckets = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = n; i-- > 0;) { /* they are in order of time */
      if (!backups[i].is_good || (only_proven && !backups[i].is_proven))
        continue;
      kept[i] = kept[i] || is_first;
      is_first = FALSE;
      char *bucket = buckets_of(known, zone, backups[i].made_s)[rule];
      if (g_hash_table_size(buckets) < rules->count[rule] && !g_hash_table_contains(buckets, bucket))
        kept[i] = TRUE;
      g_hash_table_add(buckets, bucket);
    }
  }
}

/* Runs every hour or day with gaps; after each one everything that is not kept is deleted. */
static void
simulate(const char *zone_name, const char *expression, const RetentionRules *rules, guint32 seed)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Cron) cron = cron_parse(expression, zone_name, &error);
  assert_null(error);
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  g_autoptr(GArray) backups = g_array_new(FALSE, TRUE, sizeof(RetentionBackup));
  g_autoptr(GHashTable) known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_strfreev);
  gint64 now_s = 1672531200, end_s = now_s + 3 * 366 * 86400LL; /* 2023-01-01 */
  guint n_runs = 0;
  while ((now_s = cron_next(cron, now_s)) < end_s) {
    if (g_rand_int_range(random, 0, 10) == 0)
      continue; /* the machine was off */
    if (g_rand_int_range(random, 0, 400) == 0)
      now_s += g_rand_int_range(random, 1, 40) * 86400LL; /* for longer */
    RetentionBackup made = {.made_s = now_s,
                            .is_good = g_rand_int_range(random, 0, 12) != 0,
                            .is_pinned = g_rand_int_range(random, 0, 200) == 0};
    made.is_proven = made.is_good && g_rand_int_range(random, 0, 5) == 0;
    g_array_append_val(backups, made);
    guint n = backups->len;
    RetentionBackup *all = (RetentionBackup *)(gpointer)backups->data;
    g_autofree RetentionVerdict *verdicts = g_new(RetentionVerdict, n);
    g_autofree gboolean *kept = g_new0(gboolean, n);
    gboolean foretells = n_runs % 40 == 0;
    retention_judge(rules, cron, all, n, foretells ? now_s : 0, verdicts);
    mark_by_table(rules, cron_zone(cron), known, all, n, FALSE, kept);
    mark_by_table(rules, cron_zone(cron), known, all, n, TRUE, kept);
    guint good_left = rules->minimum;
    for (guint i = n; i-- > 0;) {
      gboolean expected = kept[i] || all[i].is_pinned;
      if (all[i].is_good && good_left > 0) {
        expected = TRUE;
        good_left--;
      }
      assert_int_equal(verdicts[i].is_kept, expected);
      assert_true(!foretells || (verdicts[i].is_kept ? verdicts[i].goes_s > now_s : verdicts[i].goes_s == 0));
    }
    for (guint i = n; i-- > 0;)
      if (!verdicts[i].is_kept)
        g_array_remove_index(backups, i);
    n_runs++;
  }
  assert_true(n_runs > 500);
}

static void
test_three_years(void **state)
{
  (void)state;
  const RetentionRules usual = {.count = {[RETENTION_DAILY] = 7, [RETENTION_WEEKLY] = 4, [RETENTION_MONTHLY] = 12},
                                .minimum = 1};
  const RetentionRules all = {.count = {3, 24, 7, 5, 12, 2}, .minimum = 5};
  simulate("Asia/Shanghai", "0 4 * * *", &usual, 1);
  simulate("Europe/Berlin", "30 2 * * *", &usual, 2);
  simulate("America/New_York", "15 */6 * * *", &all, 3);
  simulate("Australia/Lord_Howe", "0 */12 * * *", &all, 4);
}

/* What the verdicts foretell comes true when every run succeeds. */
static void
test_forecast(void **state)
{
  (void)state;
  const RetentionRules rules = {.count = {[RETENTION_DAILY] = 3, [RETENTION_WEEKLY] = 2, [RETENTION_MONTHLY] = 2},
                                .minimum = 1};
  g_autoptr(Cron) cron = cron_parse("0 */8 * * *", "Europe/Berlin", NULL);
  g_autoptr(GArray) backups = g_array_new(FALSE, TRUE, sizeof(RetentionBackup));
  g_autoptr(GHashTable) promised = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  gint64 now_s = 1672531200;
  for (guint run = 0; run < 1000; run++) {
    now_s = cron_next(cron, now_s);
    RetentionBackup made = {.made_s = now_s, .is_good = TRUE};
    g_array_append_val(backups, made);
    g_autofree RetentionVerdict *verdicts = g_new(RetentionVerdict, backups->len);
    retention_judge(&rules, cron, (RetentionBackup *)(gpointer)backups->data, backups->len, now_s, verdicts);
    for (guint i = backups->len; i-- > 0;) {
      gint64 made_s = g_array_index(backups, RetentionBackup, i).made_s;
      gint64 *end_s = g_hash_table_lookup(promised, &made_s);
      assert_true(verdicts[i].is_kept || (end_s != NULL && *end_s == now_s));
      g_hash_table_insert(promised, g_memdup2(&made_s, sizeof made_s),
                          g_memdup2(&verdicts[i].goes_s, sizeof verdicts[i].goes_s));
      if (!verdicts[i].is_kept)
        g_array_remove_index(backups, i);
    }
  }
  assert_true(backups->len <= 3 + 2 + 2);
}

static void
test_reasons(void **state)
{
  (void)state;
  g_autoptr(Cron) cron = cron_parse("0 4 * * *", "UTC", NULL);
  const RetentionRules rules = {.count = {[RETENTION_DAILY] = 2}, .within_h = 72, .minimum = 1};
  const gint64 day = 86400, start = 20000 * day + 4 * 3600;
  const RetentionBackup backups[] = {
      {start, TRUE, TRUE, FALSE},             /* the only proven one */
      {start + day, TRUE, FALSE, TRUE},       /* pinned */
      {start + 2 * day, FALSE, FALSE, FALSE}, /* damaged */
      {start + 5 * day, TRUE, FALSE, FALSE},
      {start + 6 * day, TRUE, FALSE, FALSE},
      {start + 7 * day, TRUE, FALSE, FALSE},
  };
  RetentionVerdict verdicts[G_N_ELEMENTS(backups)];
  retention_judge(&rules, cron, backups, G_N_ELEMENTS(backups), start + 7 * day + 60, verdicts);
  assert_true(verdicts[0].is_kept && verdicts[0].rank[RETENTION_DAILY] == 1 && verdicts[0].is_of_proven);
  assert_true(verdicts[1].is_kept && verdicts[1].goes_s == RETENTION_FOREVER);
  assert_false(verdicts[2].is_kept);
  assert_true(verdicts[3].is_kept && verdicts[3].is_within && verdicts[3].rank[RETENTION_DAILY] == 0);
  assert_int_equal(verdicts[3].goes_s, start + 8 * day);
  assert_int_equal(verdicts[4].rank[RETENTION_DAILY], 2);
  assert_int_equal(verdicts[5].rank[RETENTION_DAILY], 1);
  assert_true(verdicts[5].is_newest_good && verdicts[5].is_minimum && !verdicts[4].is_minimum);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_three_years),
      cmocka_unit_test(test_forecast),
      cmocka_unit_test(test_reasons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
