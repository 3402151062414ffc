#include "demo/demo.h"

#include "base/error.h"
#include "cli/command/progress_bar.h"
#include "cli/command/target.h"
#include "cli/commands.h"
#include "pg/migrate/migrate.h"

#include <stdio.h>

#define DEFAULT_ROWS 100000

static void
show_progress(guint64 rows_done, guint64 rows_total, gpointer bar)
{
  ProgressState state = {.percent = rows_total > 0 ? (double)rows_done * 100 / (double)rows_total : 100,
                         .rows = rows_done};
  progress_bar_update(bar, &state);
}

static gboolean
check_range(const char *option, gint64 value, gint64 maximum, GError **error)
{
  if (value >= 0 && value <= maximum)
    return TRUE;
  error_set(error, CCH_ERROR_USAGE, "%s: must be from 0 to %" G_GINT64_FORMAT, option, maximum);
  return FALSE;
}

static gboolean
fill_database(const CliContext *context, const DemoOptions *options, GError **error)
{
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  g_autoptr(PgConnection) connection =
      target != NULL ? pg_connection_open(cli_target_dsn(target), "cch-data demo", context->cancellable, error) : NULL;
  if (connection == NULL || (context->config->auto_migrate && !pg_migrate_with_hub_tables(connection, NULL, error)))
    return FALSE;
  g_autoptr(ProgressBar) bar = progress_bar_new();
  return demo_fill(connection, options, show_progress, bar, error);
}

gboolean
cli_demo(CliContext *context, int argc, char **argv, GError **error)
{
  gint64 rows = DEFAULT_ROWS, seed = 1;
  gboolean add_to_data = FALSE;
  const GOptionEntry entries[] = {
      {"rows", 0, 0, G_OPTION_ARG_INT64, &rows,
       cli_say(context, "请求日志的行数（100000）", "rows of the request log (100000)"), "NUMBER"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &seed,
       cli_say(context, "相同的种子生成相同的数据（1）", "the same seed makes the same data (1)"), "NUMBER"},
      {"force", 0, 0, G_OPTION_ARG_NONE, &add_to_data,
       cli_say(context, "数据库已有用户时仍写入", "add to a database that has users already"), NULL},
      {NULL},
  };
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 0, 0, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  if (!check_range("--rows", rows, DEMO_MAX_REQUESTS, error) || !check_range("--seed", seed, DEMO_MAX_SEED, error))
    return FALSE;
  DemoOptions options = {.n_requests = (guint64)rows, .seed = (guint64)seed, .add_to_data = add_to_data};
  gint64 start_us = g_get_monotonic_time();
  if (!fill_database(context, &options, error))
    return FALSE;
  double seconds = (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC;
  if (context->is_json) /* by hand, because jansson cannot write one decimal */
    printf("{\"type\":\"complete\",\"rows\":%" G_GINT64_FORMAT ",\"seconds\":%.1f}\n", rows, seconds);
  else
    printf(context->language == LANGUAGE_ZH_CN ? "已写入演示数据：%" G_GINT64_FORMAT " 行请求日志，用时 %.1f 秒\n"
                                               : "Filled in %" G_GINT64_FORMAT " request-log rows, in %.1f s\n",
           rows, seconds);
  return TRUE;
}
