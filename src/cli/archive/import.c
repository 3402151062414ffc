#include "backup/import/import.h"

#include "backup/report/event_json.h"
#include "backup/side/janitor.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/archive/archive_file.h"
#include "cli/archive/dry_run.h"
#include "cli/archive/lock_wait.h"
#include "cli/archive/undo.h"
#include "cli/command/progress_bar.h"
#include "cli/command/target.h"
#include "pg/dsn/dsn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  gboolean overwrite, skip_logs, allow_incomplete, is_strict, is_confirmed, is_dry_run;
  char *method_name; /* NULL: auto */
  BackupMethod method;
  gboolean is_undo, is_undo_discard;
  char *kept_name; /* NULL: the newest */
  char *on_conflict;
  char *manifest_path;
  Manifest *manifest; /* NULL: none */
  char **tables, **without_extensions;
  BackupOnConflict conflict; /* on_conflict, parsed */
} ImportArguments;

static void
print_tables(const BackupEvent *event)
{
  printf("%10s %10s %10s %10s %10s %10s  %s\n", "rows", "inserted", "updated", "equal", "different", "key taken",
         "table");
  for (guint i = 0; i < event->n_tables; i++) {
    const BackupTableResult *table = &event->tables[i];
    g_autofree char *name = text_visible(table->table);
    printf("%10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT, table->rows_total,
           table->rows_inserted, table->rows_updated);
    if (table->is_compared)
      printf(" %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT, backup_table_result_equal(table),
             table->rows_different, table->rows_taken);
    else
      printf(" %10s %10s %10s", "-", "-", "-");
    printf("  %s\n", name);
  }
}

static void
report_event(const BackupEvent *event, gpointer user_data)
{
  ProgressBar *bar = user_data; /* NULL with --json */
  if (bar == NULL) {
    g_autoptr(json_t) json = backup_event_to_json(event);
    g_autofree char *line = backup_event_json_text(json);
    printf("%s\n", line);
    fflush(stdout);
    return;
  }
  if (event->message != NULL && event->type != BACKUP_EVENT_ERROR) {
    g_autofree char *line = g_strconcat(event->is_warning ? "! " : "", event->message, NULL);
    progress_bar_message(bar, line);
  }
  ProgressState state = {.label = event->table != NULL ? event->table : backup_phase_name(event->phase),
                         .percent = event->percent,
                         .rows = event->rows,
                         .bytes = event->bytes};
  progress_bar_update(bar, &state);
  if (event->type == BACKUP_EVENT_COMPLETE)
    print_tables(event);
}

/* Overwriting replaces data: on a terminal the user has to type the database's name, elsewhere --yes is needed. */
static gboolean
confirm_overwrite(const CliContext *context, const char *dsn, const ImportArguments *arguments, GError **error)
{
  if (!arguments->overwrite || arguments->is_confirmed || arguments->is_dry_run)
    return TRUE;
  g_auto(DsnDisplay) target = {0};
  if (!dsn_parse_display(dsn, &target, error))
    return FALSE;
  if (!isatty(STDIN_FILENO)) {
    error_set(error, CCH_ERROR_USAGE, "overwriting %s on %s needs --yes", target.database, target.host);
    return FALSE;
  }
  fprintf(stderr,
          context->language == LANGUAGE_ZH_CN
              ? "数据库 %s（%s）的内容将被备份文件替换。请输入数据库名以继续："
              : "The contents of database %s on %s will be replaced. Type its name to go on: ",
          target.database, target.host);
  char answer[256] = "";
  if (fgets(answer, sizeof answer, stdin) == NULL || strcmp(g_strchomp(answer), target.database) != 0) {
    error_set(error, CCH_ERROR_CANCELLED, "not confirmed; nothing was changed");
    return FALSE;
  }
  return TRUE;
}

static gboolean
run_import(CliContext *context, ArchiveReader *reader, const ImportArguments *arguments, GError **error)
{
  cli_target_note_redis(context);
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  if (target == NULL || !confirm_overwrite(context, cli_target_dsn(target), arguments, error))
    return FALSE;
  g_autofree char *holder = cli_holder("import");
  BackupLockOptions lock_options = {.dsn = cli_target_dsn(target),
                                    .redis_url = context->config->redis_url,
                                    .ttl_ms = (guint)context->config->lock_ttl_ms,
                                    .wait = cli_lock_wait(context)};
  g_auto(BackupLockHolder) who = {0};
  g_autoptr(BackupLock) lock = backup_lock_acquire(&lock_options, arguments->is_dry_run ? "preview" : "import", holder,
                                                   context->cancellable, &who, error);
  if (lock == NULL)
    return FALSE;
  if (!arguments->is_dry_run)
    database_janitor_sweep(cli_target_dsn(target), context->cancellable,
                           NULL); /* leftovers that cannot be dropped do not matter */
  BackupImportOptions options = {.dsn = cli_target_dsn(target),
                                 .redis_url = context->config->redis_url,
                                 .holder = holder,
                                 .clean_first = arguments->overwrite,
                                 .method = arguments->method,
                                 .keep_s = (guint)context->config->undo_keep_s,
                                 .skip_logs = arguments->skip_logs,
                                 .allow_incomplete = arguments->allow_incomplete,
                                 .on_conflict = arguments->conflict,
                                 .tables = (const char *const *)arguments->tables,
                                 .without_extensions = (const char *const *)arguments->without_extensions,
                                 .is_strict = arguments->is_strict,
                                 .manifest = arguments->manifest,
                                 .migrate = context->config->auto_migrate,
                                 .lock_wait_s = (guint)context->config->lock_wait_s,
                                 .language = context->language};
  if (arguments->is_dry_run)
    return dry_run_print(context, reader, &options, lock, error);
  g_autoptr(ProgressBar) bar = context->is_json ? NULL : progress_bar_new();
  return backup_import_run(reader, &options, lock, report_event, bar, context->cancellable, error);
}

static gboolean
check_words(const CliContext *context, const ImportArguments *arguments, GError **error)
{
  static const char *const methods[] = {"auto", "swap", "transaction", NULL};
  static const char *const choices[] = {"skip", "update", "fail", NULL};
  return cli_check_word(context, "--method", arguments->method_name, methods, error) &&
         cli_check_word(context, "--on-conflict", arguments->on_conflict, choices, error);
}

static gboolean
check_arguments(ImportArguments *arguments, int n_files, GError **error)
{
  gboolean is_undo = arguments->is_undo || arguments->is_undo_discard;
  if (arguments->method_name != NULL && !backup_method_parse(arguments->method_name, &arguments->method))
    error_set(error, CCH_ERROR_USAGE, "--method: auto, swap or transaction, not \"%s\"", arguments->method_name);
  else if (arguments->method != BACKUP_METHOD_AUTO && !arguments->overwrite)
    error_set(error, CCH_ERROR_USAGE, "--method goes with --overwrite");
  else if (arguments->allow_incomplete && !arguments->overwrite)
    error_set(error, CCH_ERROR_USAGE, "--allow-incomplete goes with --overwrite");
  else if (is_undo && (n_files > 0 || arguments->overwrite || arguments->skip_logs || arguments->on_conflict != NULL ||
                       arguments->tables != NULL || arguments->without_extensions != NULL || arguments->is_strict ||
                       arguments->is_dry_run || arguments->manifest_path != NULL))
    error_set(error, CCH_ERROR_USAGE, "--undo and --undo-discard take no archive and no options of an import");
  else if (arguments->is_undo && arguments->is_undo_discard)
    error_set(error, CCH_ERROR_USAGE, "give either --undo or --undo-discard");
  else if (arguments->kept_name != NULL && !is_undo)
    error_set(error, CCH_ERROR_USAGE, "--kept goes with --undo or --undo-discard");
  else if (!is_undo && n_files == 0)
    error_set(error, CCH_ERROR_USAGE, "import: which file?");
  else
    return (arguments->on_conflict == NULL ||
            backup_on_conflict_parse(arguments->on_conflict, &arguments->conflict, error)) &&
           backup_choices_check(arguments->overwrite, arguments->conflict, (const char *const *)arguments->tables,
                                error);
  return FALSE;
}

static gboolean
run_undo(CliContext *context, const ImportArguments *arguments, GError **error)
{
  g_autoptr(ProgressBar) bar = context->is_json ? NULL : progress_bar_new();
  CliUndo undo = {.name = arguments->kept_name,
                  .is_discard = arguments->is_undo_discard,
                  .is_confirmed = arguments->is_confirmed,
                  .report = report_event,
                  .report_data = bar};
  return cli_undo(context, &undo, error);
}

static gboolean
import_file(CliContext *context, const char *name, const ImportArguments *arguments, GError **error)
{
  g_auto(ArchiveFile) file = {.fd = -1};
  return archive_file_open(context, name, &file, error) && run_import(context, file.reader, arguments, error);
}

static void
arguments_clear(ImportArguments *arguments)
{
  g_free(arguments->method_name);
  g_free(arguments->kept_name);
  g_free(arguments->on_conflict);
  g_free(arguments->manifest_path);
  manifest_free(arguments->manifest);
  g_strfreev(arguments->tables);
  g_strfreev(arguments->without_extensions);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImportArguments, arguments_clear)

gboolean
cli_import(CliContext *context, int argc, char **argv, GError **error)
{
  g_auto(ImportArguments) arguments = {0};
  const GOptionEntry entries[] = {
      {"overwrite", 0, 0, G_OPTION_ARG_NONE, &arguments.overwrite,
       cli_say(context, "覆盖现有数据（相当于 pg_restore --clean --if-exists --no-owner）而非合并",
               "replace what is there (pg_restore --clean --if-exists --no-owner) instead of merging"),
       NULL},
      {"clean-first", 0, 0, G_OPTION_ARG_NONE, &arguments.overwrite,
       cli_say(context, "同 --overwrite", "the same as --overwrite"), NULL},
      {"method", 0, 0, G_OPTION_ARG_STRING, &arguments.method_name,
       cli_say(
           context, "覆盖方式：swap（先载入新数据库再对换）、transaction（单个事务）或 auto",
           "how to overwrite: swap (load a new database beside the live one, then swap them), transaction, or auto"),
       "METHOD"},
      {"skip-logs", 0, 0, G_OPTION_ARG_NONE, &arguments.skip_logs,
       cli_say(context, "不导入 message_request 的行", "do not import the rows of message_request"), NULL},
      {"allow-incomplete", 0, 0, G_OPTION_ARG_NONE, &arguments.allow_incomplete,
       cli_say(context, "备份文件缺少现有表的数据或全部索引与键时仍覆盖",
               "overwrite also with an archive that lacks data of tables with rows here, or all indexes and keys"),
       NULL},
      {"strict", 0, 0, G_OPTION_ARG_NONE, &arguments.is_strict,
       cli_say(
           context, "本角色无权创建的对象、授予此处没有的角色的权限：失败，而非略过并警告",
           "fail over what this role may not make, or what names a role that is not here, instead of leaving it out"),
       NULL},
      {"without-extension", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments.without_extensions,
       cli_say(context, "略过此扩展及依赖它的对象；可重复",
               "leave out this extension and what depends on it; may be repeated"),
       "NAME"},
      {"on-conflict", 0, 0, G_OPTION_ARG_STRING, &arguments.on_conflict,
       cli_say(context, "行已存在时：skip（默认，跳过）、update（以备份文件为准）或 fail（不同则失败）",
               "of a row that is there: skip (default), update (the archive's row wins), or fail if they differ"),
       "CHOICE"},
      {"table", 't', 0, G_OPTION_ARG_STRING_ARRAY, &arguments.tables,
       cli_say(context, "只合并此表（schema.table，或 public 中的表名）；可重复",
               "merge this table only (schema.table, or table in public); may be repeated"),
       "NAME"},
      {"manifest", 0, 0, G_OPTION_ARG_FILENAME, &arguments.manifest_path,
       cli_say(context, "备份文件与此清单（默认为文件旁的清单）不符时拒绝导入",
               "refuse the archive unless its rows are those of this manifest (the one beside FILE, if there is one)"),
       "PATH"},
      {"undo", 0, 0, G_OPTION_ARG_NONE, &arguments.is_undo,
       cli_say(context, "换回上次 swap 覆盖之前的数据库",
               "swap back the database that was live before the last overwrite by swap"),
       NULL},
      {"undo-discard", 0, 0, G_OPTION_ARG_NONE, &arguments.is_undo_discard,
       cli_say(context, "立即删除该保留的数据库", "drop that database now"), NULL},
      {"kept", 0, 0, G_OPTION_ARG_STRING, &arguments.kept_name,
       cli_say(context, "多个保留的数据库中的哪一个；默认最新", "which of several kept databases; default: the newest"),
       "NAME"},
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &arguments.is_dry_run,
       cli_say(context, "比较备份文件与数据库，说明导入将做什么，不作任何更改",
               "compare the archive with the database, tell what the import would do, and change nothing"),
       NULL},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &arguments.is_confirmed,
       cli_say(context, "覆盖、换回或删除时不再询问", "overwrite, undo or discard without asking"), NULL},
      cli_wait_entry(context),
      {NULL},
  };
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 0, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  if (!check_words(context, &arguments, error) || !check_arguments(&arguments, argc - 1, error))
    return FALSE;
  if (arguments.is_undo || arguments.is_undo_discard)
    return run_undo(context, &arguments, error);
  return archive_file_manifest(argv[1], arguments.manifest_path, &arguments.manifest, error) &&
         import_file(context, argv[1], &arguments, error);
}
