/* `check`: one line and an exit code for monitoring plugins. */
#include "monitor/check.h"

#include "base/error.h"
#include "base/json.h"
#include "cli/command/target.h"
#include "cli/commands.h"
#include "monitor/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { DATABASE_TIMEOUT_MS = 10000, MAX_HOURS = 24 * 366 };

static gboolean
print_results(const CliContext *context, GPtrArray *results, CheckLevel worst)
{
  if (context->is_json) {
    json_t *checks = json_array();
    for (guint i = 0; i < results->len; i++) {
      const CheckResult *result = results->pdata[i];
      json_array_append_new(checks, json_pack("{s:s, s:s, s:s}", "name", result->name, "status",
                                              check_level_name(result->level), "text", result->text));
    }
    g_autoptr(json_t) answer =
        json_pack("{s:s, s:i, s:o}", "status", check_level_name(worst), "exitCode", (int)worst, "checks", checks);
    g_autofree char *text = json_to_text(answer);
    printf("%s\n", text);
    return TRUE;
  }
  /* The worst first, because a monitor shows the beginning. */
  printf("%s", check_level_name(worst));
  gboolean is_first = TRUE;
  for (int level = CHECK_UNKNOWN; level >= CHECK_OK; level--)
    for (guint i = 0; i < results->len; i++) {
      const CheckResult *result = results->pdata[i];
      if ((int)result->level != level)
        continue;
      g_autofree char *visible = text_visible(result->text);
      printf("%s%s", is_first ? ": " : "; ", visible);
      is_first = FALSE;
    }
  printf("\n");
  return TRUE;
}

/* Nobody runs the private cluster, and a check must not start it: then it would say that all is well. So a lock that
 * cannot be read is an error. */
static gboolean
is_left_alone(const Config *config, gboolean *ret_is_alone, GError **error)
{
  *ret_is_alone = FALSE;
  if (config->dsn != NULL)
    return TRUE;
  g_autofree char *path = g_build_filename(config->data_dir, "service.lock", NULL);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno != ENOENT) {
    error_set_errno(error, errno, "open %s", path);
    return FALSE;
  }
  *ret_is_alone = fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0;
  if (fd >= 0)
    close(fd);
  return TRUE;
}

static gboolean
check(CliContext *context, int max_age_h, GError **error)
{
  g_autoptr(Samples) samples = samples_new();
  gboolean is_alone = FALSE;
  if (!is_left_alone(context->config, &is_alone, error))
    return FALSE;
  if (is_alone) {
    context->exit_code = CHECK_CRITICAL;
    if (context->is_json)
      printf("{\"status\":\"CRITICAL\",\"exitCode\":2,\"checks\":[{\"name\":\"service\",\"status\":\"CRITICAL\","
             "\"text\":\"%s\"}]}\n",
             text_get(TEXT_CHECK_NOT_SERVING, context->language));
    else
      printf("CRITICAL: %s\n", text_get(TEXT_CHECK_NOT_SERVING, context->language));
    return TRUE;
  }
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  if (target == NULL)
    return FALSE;
  g_autoptr(PgConnection) connection = pg_connection_open_within(cli_target_dsn(target), "cch-data check",
                                                                 DATABASE_TIMEOUT_MS, context->cancellable, NULL);
  if (error_if_cancelled(context->cancellable, error))
    return FALSE;
  figures_add_shared(samples, connection, context->config);
  g_autoptr(GPtrArray) results = check_samples(samples, (double)max_age_h * 3600, context->language);
  CheckLevel worst = check_worst(results);
  context->exit_code = (int)worst;
  return print_results(context, results, worst);
}

gboolean
cli_check(CliContext *context, int argc, char **argv, GError **error)
{
  int max_age_h = CHECK_MAX_AGE_H;
  const GOptionEntry entries[] = {
      {"max-age", 0, 0, G_OPTION_ARG_INT, &max_age_h,
       cli_say(context, "最近可用的备份最多多少小时（默认 26）", "how old the newest good backup may be (default 26)"),
       cli_say(context, "小时", "HOURS")},
      {NULL},
  };
  context->exit_code = CHECK_UNKNOWN; /* of every failure, and of wrong arguments */
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 0, 0, error);
  if (parsed == CLI_PARSE_DONE)
    context->exit_code = 0;
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  if (max_age_h < 1 || max_age_h > MAX_HOURS) {
    error_set(error, CCH_ERROR_USAGE, "--max-age is a number of hours from 1 to %d", MAX_HOURS);
    return FALSE;
  }
  return check(context, max_age_h, error);
}
