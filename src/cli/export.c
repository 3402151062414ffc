#include "backup/export.h"

#include "base/error.h"
#include "cli/cli.h"
#include "cli/output_file.h"
#include "cli/progress_bar.h"
#include "cli/target.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

static gboolean
copy_to_output(BackupExport *export, OutputFile *output, ProgressBar *bar, guint64 *ret_bytes, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  ProgressState state = {.percent = -1};
  gssize n;
  while ((n = backup_export_read(export, buffer, BUFFER_BYTES, error)) > 0) {
    if (!output_file_write(output, buffer, (gsize)n, error))
      return FALSE;
    state.bytes += (guint64)n;
    progress_bar_update(bar, &state);
  }
  if (n < 0)
    return FALSE;
  *ret_bytes = state.bytes;
  return output_file_commit(output, error);
}

static void
print_result(const CliContext *context, const char *path, guint64 bytes, gint64 start_us)
{
  double seconds = (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC;
  gboolean is_stdout = strcmp(path, "-") == 0;
  FILE *stream = is_stdout ? stderr : stdout;
  g_autofree char *size = g_format_size(bytes);
  if (context->is_json)
    fprintf(stream, "{\"type\":\"complete\",\"file\":\"%s\",\"bytes\":%" G_GUINT64_FORMAT ",\"seconds\":%.3f}\n", path,
            bytes, seconds);
  else
    fprintf(stream, "%s  %s  %.1f s\n", path, size, seconds);
}

gboolean
cli_export(CliContext *context, int argc, char **argv, GError **error)
{
  gboolean exclude_logs = FALSE, is_forced = FALSE;
  const GOptionEntry entries[] = {
      {"exclude-logs", 0, 0, G_OPTION_ARG_NONE, &exclude_logs, "leave out the rows of message_request", NULL},
      {"force", 0, 0, G_OPTION_ARG_NONE, &is_forced, "replace FILE if it exists", NULL},
      {NULL},
  };
  CliParse parsed = cli_parse(context, "export", entries, &argc, &argv, 0, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  gint64 start_us = g_get_monotonic_time();
  g_autofree char *holder = cli_holder("export");
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  if (target == NULL)
    return FALSE;
  BackupExportOptions options = {.dsn = cli_target_dsn(target),
                                 .redis_url = context->config->redis_url,
                                 .lock_ttl_ms = (guint)context->config->lock_ttl_ms,
                                 .pg_bin_dir = context->config->pg_bin_dir,
                                 .holder = holder,
                                 .exclude_logs = exclude_logs,
                                 .level = BACKUP_EXPORT_DEFAULT_LEVEL};
  /* A file that cannot be written should not cost a dump to find out. */
  g_autoptr(OutputFile) output = argc > 1 ? output_file_create(argv[1], is_forced, error) : NULL;
  if (argc > 1 && output == NULL)
    return FALSE;
  g_auto(BackupLockHolder) who = {0};
  g_autoptr(BackupExport) export = backup_export_start(&options, context->cancellable, &who, error);
  if (export == NULL)
    return FALSE;
  const char *path = argc > 1 ? argv[1] : backup_export_file_name(export);
  if (output == NULL)
    output = output_file_create(path, is_forced, error);
  g_autoptr(ProgressBar) bar = progress_bar_new();
  guint64 bytes = 0;
  if (output == NULL || !copy_to_output(export, output, bar, &bytes, error))
    return FALSE;
  g_clear_pointer(&bar, progress_bar_free);
  print_result(context, path, bytes, start_us);
  return TRUE;
}
