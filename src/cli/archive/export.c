#include "backup/export/export.h"

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/archive/lock_wait.h"
#include "cli/command/progress_bar.h"
#include "cli/command/target.h"
#include "cli/files/output_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

typedef struct {
  gboolean exclude_logs, ledger_only, exclude_dispensable, is_forced, without_manifest;
  char **exclude_table_data;
  const char *path; /* NULL: the export's own name */
  char *output;
  char *compression;
  int jobs;
} ExportArguments;

static void
export_arguments_clear(ExportArguments *arguments)
{
  g_strfreev(arguments->exclude_table_data);
  g_free(arguments->output);
  g_free(arguments->compression);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExportArguments, export_arguments_clear)

/* Output to a reader or a file: there an archive without a name is written. */
static gboolean
is_redirected(void)
{
  struct stat output;
  return fstat(STDOUT_FILENO, &output) == 0 &&
         (S_ISFIFO(output.st_mode) || S_ISSOCK(output.st_mode) || S_ISREG(output.st_mode));
}

static CliParse
parse_arguments(CliContext *context, int argc, char **argv, ExportArguments *arguments, GError **error)
{
  const GOptionEntry entries[] = {
      {"exclude-logs", 0, 0, G_OPTION_ARG_NONE, &arguments->exclude_logs,
       cli_say(context, "不导出 message_request 的行", "leave out the rows of message_request"), NULL},
      {"ledger-only", 0, 0, G_OPTION_ARG_NONE, &arguments->ledger_only,
       cli_say(context, "完全不导出 message_request；统计所需数据保留在 Hub 的账本中",
               "leave out message_request altogether; the hub's ledger keeps what statistics need"),
       NULL},
      {"exclude-table-data", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments->exclude_table_data,
       cli_say(context, "不导出此表的行；可重复", "leave out this table's rows; may be repeated"), "NAME"},
      {"exclude-dispensable", 0, 0, G_OPTION_ARG_NONE, &arguments->exclude_dispensable,
       cli_say(context, "不导出 Hub 不必需的行：重放所留的正文、探测日志",
               "leave out the rows that a hub can do without: bodies kept for replays, logs of probes"),
       NULL},
      {"compression", 'Z', 0, G_OPTION_ARG_STRING, &arguments->compression,
       cli_say(context, "fast（默认）、balanced、small、none；PostgreSQL 16 及以上还有 lz4、zstd",
               "fast (default), balanced, small, none; lz4 and zstd for PostgreSQL 16 or newer"),
       "HOW"},
      {"jobs", 'j', 0, G_OPTION_ARG_INT, &arguments->jobs,
       cli_say(context, "读取所用的连接数；0：每核一个", "connections to read with; 0: one for each core"), "N"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &arguments->output, cli_say(context, "同 FILE", "the same as FILE"),
       "FILE"},
      {"no-manifest", 0, 0, G_OPTION_ARG_NONE, &arguments->without_manifest,
       cli_say(context, "不在备份文件旁写清单 FILE" MANIFEST_SUFFIX, "no FILE" MANIFEST_SUFFIX " beside FILE"), NULL},
      {"force", 0, 0, G_OPTION_ARG_NONE, &arguments->is_forced,
       cli_say(context, "文件已存在时替换", "replace FILE if it exists"), NULL},
      cli_wait_entry(context),
      {NULL},
  };
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 0, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed;
  if (arguments->output != NULL && argc > 1) {
    error_set(error, CCH_ERROR_USAGE, "give either FILE or --output FILE");
    return CLI_PARSE_ERROR;
  }
  if (argc > 1)
    arguments->output = g_strdup(argv[1]);
  arguments->path = arguments->output;
  if (arguments->path == NULL && !context->is_json && is_redirected())
    arguments->path = "-";
  if (arguments->exclude_dispensable) {
    g_auto(GStrv) named = g_steal_pointer(&arguments->exclude_table_data);
    arguments->exclude_table_data = backup_export_with_dispensable((const char *const *)named);
  }
  return CLI_PARSE_RUN;
}

static gboolean
fill_options(const CliContext *context, const ExportArguments *arguments, BackupExportOptions *options, GError **error)
{
  const char *compression = arguments->compression;
  static const char *const levels[] = {"fast", "balanced", "small", "none", "lz4", "zstd", NULL};
  if (!cli_check_word(context, "--compression", compression, levels, error))
    return FALSE;
  if (compression != NULL)
    archive_level_from_name(compression, &options->level);
  if (arguments->jobs < 0 || arguments->jobs > BACKUP_EXPORT_MAX_JOBS) {
    error_set(error, CCH_ERROR_USAGE, "--jobs is 0 to %d", BACKUP_EXPORT_MAX_JOBS);
    return FALSE;
  }
  options->jobs = arguments->jobs > 0 ? (guint)arguments->jobs : (guint)context->config->export_jobs;
  options->redis_url = context->config->redis_url;
  options->lock_ttl_ms = (guint)context->config->lock_ttl_ms;
  options->client = (PgClientOptions){context->config->pg_bin_dir, context->config->pg_dump_command};
  options->exclude_logs = arguments->exclude_logs;
  options->ledger_only = arguments->ledger_only;
  options->exclude_table_data = (const char *const *)arguments->exclude_table_data;
  return TRUE;
}

static void
show_progress(BackupExport *export, ProgressBar *bar)
{
  BackupExportProgress progress;
  backup_export_progress(export, &progress);
  ProgressState state = {.label = *progress.table != '\0' ? progress.table : NULL,
                         .rows = progress.rows,
                         .bytes = progress.archive_bytes,
                         .percent = progress.relation_bytes > 0
                                        ? 100.0 * (double)progress.relation_bytes_done / (double)progress.relation_bytes
                                        : -1};
  progress_bar_update(bar, &state);
}

static gboolean
copy_to_output(BackupExport *export, OutputFile *output, ProgressBar *bar, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  gssize n;
  while ((n = backup_export_read(export, buffer, BUFFER_BYTES, error)) > 0) {
    if (!output_file_write(output, buffer, (gsize)n, error))
      return FALSE;
    show_progress(export, bar);
  }
  return n == 0;
}

/* In a file the offsets of the data can be filled in, so that pg_restore -j can begin at once. This changes the
 * checksum. */
static gboolean
complete_file(BackupExport *export, OutputFile *output, const CliContext *context, GError **error)
{
  int fd = output_file_descriptor(output);
  if (fd < 0)
    return TRUE;
  char sha256[SHA256_TEXT_BYTES];
  if (!backup_export_patch_offsets(export, fd, error) || !sha256_of_file(fd, context->cancellable, sha256, error))
    return FALSE;
  Manifest *manifest = backup_export_manifest(export);
  g_free(manifest->archive_sha256);
  manifest->archive_sha256 = g_strdup(sha256);
  return TRUE;
}

/* The archive gets its name first: an archive without a manifest is usable, a manifest without an archive is not. */
static gboolean
write_manifest(BackupExport *export, const char *path, GError **error)
{
  Manifest *manifest = backup_export_manifest(export);
  g_free(manifest->archive);
  manifest->archive = g_path_get_basename(path);
  g_autofree char *json = manifest_to_json(manifest);
  g_autofree char *manifest_path = g_strconcat(path, MANIFEST_SUFFIX, NULL);
  g_autoptr(OutputFile) file = output_file_create(manifest_path, TRUE, error);
  return file != NULL && output_file_write(file, (const guint8 *)json, strlen(json), error) &&
         output_file_write(file, (const guint8 *)"\n", 1, error) && output_file_commit(file, error);
}

static void
print_result(const CliContext *context, const char *path, const Manifest *manifest, char **warnings, gint64 start_us)
{
  double seconds = (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC;
  FILE *stream = strcmp(path, "-") == 0 ? stderr : stdout;
  RowTotals totals = manifest_totals(manifest);
  int server = manifest->server_version != NULL ? atoi(manifest->server_version) : 0;
  int client = manifest->pg_dump_version != NULL ? atoi(manifest->pg_dump_version) : 0;
  if (client > server) {
    g_autofree char *note =
        text_format(TEXT_EXPORT_NEEDS_READER, context->language, client, manifest->pg_restore_major, server);
    fprintf(stderr, "cch-data: %s\n", note);
  }
  if (context->is_json) {
    json_t *result =
        json_pack("{s:s, s:s%, s:I, s:I, s:f, s:s, s:i}", "type", "complete", "file", path, strlen(path), "bytes",
                  (json_int_t)manifest->archive_bytes, "rows", (json_int_t)totals.rows, "seconds", seconds, "sha256",
                  manifest->archive_sha256, "pgRestoreMajor", manifest->pg_restore_major);
    if (result != NULL && *warnings != NULL) {
      json_t *list = json_array();
      for (char **warning = warnings; *warning != NULL; warning++)
        json_array_append_new(list, json_string(*warning));
      json_object_set_new(result, "warnings", list);
    }
    g_autofree char *line = result != NULL ? json_dumps(result, JSON_COMPACT) : NULL;
    fprintf(stream, "%s\n", line != NULL ? line : "{\"type\":\"complete\"}");
    json_decref(result);
    return;
  }
  g_autofree char *size = g_format_size(manifest->archive_bytes);
  fprintf(stream, "%s  %s  %" G_GUINT64_FORMAT " rows  %.1f s\n", path, size, totals.rows, seconds);
}

static gboolean
run_export(CliContext *context, const ExportArguments *arguments, const BackupExportOptions *options, gint64 start_us,
           GError **error)
{
  /* Finds out early whether the file can be written, before the export begins. */
  g_autoptr(OutputFile) output =
      arguments->path != NULL ? output_file_create(arguments->path, arguments->is_forced, error) : NULL;
  if (arguments->path != NULL && output == NULL)
    return FALSE;
  g_auto(BackupLockHolder) who = {0};
  g_autoptr(BackupExport) export = backup_export_start(options, context->cancellable, &who, error);
  if (export == NULL)
    return FALSE;
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  const char *away_reason = backup_export_without_redis(export);
  if (away_reason != NULL) {
    g_autofree char *warning = text_format(TEXT_LOCK_WITHOUT_REDIS, context->language, away_reason);
    g_strv_builder_add(builder, warning);
    fprintf(stderr, "cch-data: %s\n", warning);
  }
  const char *path = arguments->path != NULL ? arguments->path : backup_export_file_name(export);
  if (output == NULL)
    output = output_file_create(path, arguments->is_forced, error);
  g_autoptr(ProgressBar) bar = progress_bar_new();
  if (output == NULL || !copy_to_output(export, output, bar, error) || !complete_file(export, output, context, error))
    return FALSE;
  gboolean has_name = strcmp(path, "-") != 0;
  if (!output_file_commit(output, error) ||
      (has_name && !arguments->without_manifest && !write_manifest(export, path, error)))
    return FALSE;
  g_clear_pointer(&bar, progress_bar_free);
  g_auto(GStrv) invalid = backup_export_warnings(export, context->language);
  for (char **warning = invalid; warning != NULL && *warning != NULL; warning++) {
    g_strv_builder_add(builder, *warning);
    fprintf(stderr, "cch-data: %s\n", *warning);
  }
  g_auto(GStrv) warnings = g_strv_builder_end(builder);
  print_result(context, path, backup_export_manifest(export), warnings, start_us);
  return TRUE;
}

gboolean
cli_export(CliContext *context, int argc, char **argv, GError **error)
{
  g_auto(ExportArguments) arguments = {0};
  CliParse parsed = parse_arguments(context, argc, argv, &arguments, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  gint64 start_us = g_get_monotonic_time();
  BackupExportOptions options = {.level = BACKUP_EXPORT_DEFAULT_LEVEL};
  if (!fill_options(context, &arguments, &options, error))
    return FALSE;
  g_autofree char *holder = cli_holder("export");
  cli_target_note_redis(context);
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  if (target == NULL)
    return FALSE;
  options.dsn = cli_target_dsn(target);
  options.holder = holder;
  options.wait = cli_lock_wait(context);
  return run_export(context, &arguments, &options, start_us, error);
}
