#include "cli/cli.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/backup/backup.h"
#include "cli/batch/batch.h"
#include "cli/commands.h"
#include "cli/prices/prices.h"
#include "commit.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BROKEN_PIPE_EXIT_CODE 141 /* the shell's exit code for SIGPIPE */

#define COMMAND(name, arguments, run, zh, en, examples)                                                                \
  {                                                                                                                    \
    name, arguments, {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en}, examples, run                                        \
  }

const CliCommand cli_commands[] = {
    COMMAND("serve", "", cli_serve, "启动 HTTP 服务", "serve the HTTP API",
            "cch-data serve\n"
            "cch-data serve --demo\n"
            "DSN=postgres://hub@db/hub REDIS_URL=redis://cache cch-data serve --listen-port 23100\n"),
    COMMAND("export", "[FILE]", cli_export, "导出数据库为 pg_dump 自定义格式的备份文件",
            "export the database as a pg_dump archive in custom format",
            "cch-data export\n"
            "cch-data export --exclude-logs nightly.dump\n"
            "cch-data export --wait 600 | ssh backup 'cat > hub.dump'\n"),
    COMMAND("import", "FILE", cli_import, "导入备份文件：合并（默认）或覆盖",
            "import an archive: merge (the default) or overwrite",
            "cch-data import --dry-run hub.dump\n"
            "cch-data import hub.dump\n"
            "cch-data import --table users --on-conflict update hub.dump\n"
            "cch-data import --overwrite hub.dump\n"
            "cch-data import --undo\n"),
    COMMAND("inspect", "FILE", cli_inspect, "显示备份文件的头信息与目录", "show an archive's header and contents",
            "cch-data inspect hub.dump\n"
            "ssh backup 'cat hub.dump' | cch-data inspect -\n"),
    COMMAND("verify", "FILE", cli_verify, "完整检查备份文件", "read an archive to its end and check every byte",
            "cch-data verify hub.dump\n"
            "ssh backup 'cat hub.dump' | cch-data verify -\n"),
    COMMAND("backup", "VERB", cli_backup, "定时备份：查看、运行、演练、恢复",
            "scheduled backups: list, run, prove, restore",
            "cch-data backup list\n"
            "cch-data backup run daily\n"
            "cch-data backup restore latest --from s3://bucket/hub --overwrite\n"),
    COMMAND("prices", "VERB", cli_prices, "模型价格表", "the table of model prices",
            "cch-data prices sync --dry-run\n"
            "cch-data prices list --search claude\n"
            "cch-data prices import prices.toml\n"),
    COMMAND("batch", "VERB", cli_batch, "批量修改用户、密钥与供应商", "change users, keys and providers in bulk",
            "cch-data batch users --where 'tags=interns' --set rpm=20\n"
            "cch-data batch keys --from keys.csv --dry-run\n"
            "cch-data batch undo OPERATION_ID\n"),
    COMMAND("check", "", cli_check, "供监控使用的一行状态与退出码", "one line and an exit code for monitoring",
            "cch-data check\n"
            "cch-data check --max-age 50 --json\n"),
    COMMAND("migrate", "", cli_migrate, "执行数据库迁移", "bring the database to the current schema",
            "cch-data migrate\n"),
    COMMAND("demo", "", cli_demo, "在空数据库中写入演示数据", "fill an empty database with plausible data",
            "cch-data demo --rows 100000\n"),
    {.name = NULL},
};

static void
print_usage(const CliContext *context)
{
  printf("%s\n\n", cli_say(context, "用法: cch-data 命令 [选项...]", "Usage: cch-data COMMAND [OPTION...]"));
  for (const CliCommand *command = cli_commands; command->name != NULL; command++)
    printf("  %-8s %-7s %s\n", command->name, command->arguments, command->text[context->language]);
  printf("\n%s\n",
         cli_say(context, "各命令的选项见 cch-data 命令 --help；通用选项见 cch-data help options；--version 显示版本",
                 "See cch-data COMMAND --help for its options and cch-data help options for those of all "
                 "commands; --version shows the version"));
}

static const CliCommand *
find_command(const char *name)
{
  for (const CliCommand *command = cli_commands; command->name != NULL; command++)
    if (strcmp(command->name, name) == 0)
      return command;
  return NULL;
}

static int
print_error(const GError *error, const CliContext *context)
{
  const ErrorInfo *info = error_info(error);
  const char *text = error_text(error, context->language);
  if (context->is_json) {
    g_autofree char *valid = g_utf8_make_valid(error->message, -1);
    g_autoptr(json_t) object = json_pack("{s:s, s:s, s:s, s:s, s:i}", "type", "error", "errorCode", info->code,
                                         "message", text, "detail", valid, "exitCode", info->exit_code);
    g_autofree char *json = json_to_text(object);
    fprintf(stderr, "%s\n", json);
    return info->exit_code;
  }
  g_autofree char *detail = text_visible(error->message);
  fprintf(stderr, "cch-data: %s: %s\n", text, detail);
  return info->exit_code;
}

/* A service outlives the terminal that started it, so it ignores SIGHUP. */
static gboolean is_serving;

/* Turns signals into cancellation; a second one ends the program at once, in case something hangs. */
static gpointer
wait_for_signals(gpointer cancellable)
{
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (!is_serving)
    sigaddset(&signals, SIGHUP);
  int number = 0;
  sigwait(&signals, &number);
  g_cancellable_cancel(cancellable);
  g_object_unref(cancellable);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  return NULL;
}

static void
catch_signals(GCancellable *cancellable)
{
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  g_thread_unref(g_thread_new("signals", wait_for_signals, g_object_ref(cancellable)));
}

/* Whether nobody reads standard output any more. */
static gboolean
is_output_broken(void)
{
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

/* A command that cannot report its result has failed. If the reader closed the pipe, no message is needed. */
static int
output_exit_code(int exit_code, const CliContext *context)
{
  errno = 0;
  gboolean is_written = fflush(stdout) == 0 && !ferror(stdout);
  int saved_errno = errno;
  if (is_written || exit_code != 0)
    return exit_code;
  if (is_output_broken())
    return BROKEN_PIPE_EXIT_CODE;
  g_autoptr(GError) error = NULL;
  error_set_errno(&error, saved_errno != 0 ? saved_errno : EIO, "write standard output");
  return print_error(error, context);
}

/* An export into a closed pipe. */
static int
report_failure(const GError *error, const CliContext *context)
{
  gboolean is_about_output = error_code(error) == CCH_ERROR_FILE && strstr(error->message, "standard output") != NULL;
  return is_about_output && is_output_broken() ? BROKEN_PIPE_EXIT_CODE : print_error(error, context);
}

/* Before the arguments are parsed, so that errors in them are reported in the requested form. */
static gboolean
asks_for_json(char **argv)
{
  for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
    if (strcmp(*argv, "--json") == 0)
      return TRUE;
  return FALSE;
}

static int
run_command(const CliCommand *command, int argc, char **argv)
{
  CliContext context = {.command = command, .language = language_from_locale(), .is_json = asks_for_json(argv)};
  g_autoptr(GError) error = NULL;
  g_autoptr(Config) config = config_load(&argc, &argv, &error);
  if (config == NULL)
    return print_error(error, &context);
  LogLevel level = LOG_INFO;
  if (!log_level_parse(config->log_level, &level)) {
    error_set(&error, CCH_ERROR_CONFIG, "CCH_DATA_LOG_LEVEL is error, warning, info or debug, not \"%s\"",
              config->log_level);
    return print_error(error, &context);
  }
  log_set_level(level);
  if (config->old_names != NULL) {
    g_autofree char *notice = text_format(TEXT_CLI_OLD_NAMES, context.language, config->old_names);
    fprintf(stderr, "%s\n", notice);
  }
  LogFormat format = LOG_FORMAT_LOGFMT;
  if (!log_format_parse(config->log_format, &format)) {
    error_set(&error, CCH_ERROR_CONFIG, "LOG_FORMAT is logfmt or json, not \"%s\"", config->log_format);
    return print_error(error, &context);
  }
  log_set_format(format);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  context.config = config;
  context.cancellable = cancellable;
  is_serving = command->run == cli_serve;
  if (is_serving)
    signal(SIGHUP, SIG_IGN);
  catch_signals(cancellable);
  gboolean is_done = command->run(&context, argc, argv, &error);
  int exit_code = is_done ? 0 : report_failure(error, &context);
  return output_exit_code(context.exit_code != 0 ? context.exit_code : exit_code, &context);
}

/* USAGE: unknown command. */
static void
set_unknown_command(const CliContext *context, const char *given, GError **error)
{
  const char *names[G_N_ELEMENTS(cli_commands) + 1] = {NULL};
  gsize n = 0;
  for (const CliCommand *command = cli_commands; command->name != NULL; command++)
    names[n++] = command->name;
  names[n] = "help";
  cli_set_unknown(context, given, names, error);
}

/* "cch-data help", "… help options", "… help import", "… help prices sync". */
static int
run_help(CliContext *context, char **about)
{
  g_autoptr(GError) error = NULL;
  if (*about == NULL) {
    print_usage(context);
  } else if (strcmp(*about, "options") == 0) {
    g_autofree char *options = config_help(context->language);
    printf("%s\n%s",
           cli_say(context, "通用选项（也可用环境变量设置）：", "Options of all commands, also as variables:"),
           options);
  } else if (find_command(*about) != NULL) {
    char *arguments[] = {about[0], about[1] != NULL ? about[1] : "--help", about[1] != NULL ? "--help" : NULL, NULL};
    return run_command(find_command(*about), about[1] != NULL ? 3 : 2, arguments);
  } else {
    set_unknown_command(context, *about, &error);
    return print_error(error, context);
  }
  return output_exit_code(0, context);
}

void
cli_describe(const CliCommand *command, Language language, CliDescribeFunc describe, gpointer user_data)
{
  CliContext context = {.command = command, .language = language, .describe = describe, .describe_data = user_data};
  char *arguments[] = {(char *)(gpointer)command->name, NULL};
  g_autoptr(GError) error = NULL;
  command->run(&context, 1, arguments, &error);
}

int
cli_main(int argc, char **argv)
{
  setlocale(LC_CTYPE, "");
  /* A closed output or connection is an error of write(), not the end of the program. */
  signal(SIGPIPE, SIG_IGN);
  CliContext context = {.language = language_from_locale(), .is_json = asks_for_json(argv)};
  if (argc < 2) {
    print_usage(&context);
    return error_info_of(CCH_ERROR_USAGE)->exit_code;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
    return run_help(&context, argv + 2);
  if (strcmp(argv[1], "--version") == 0) {
    printf("cch-data %s (%s)\n", CCH_VERSION, CCH_COMMIT);
    return output_exit_code(0, &context);
  }
  const CliCommand *command = find_command(argv[1]);
  if (command != NULL)
    return run_command(command, argc - 1, argv + 1);
  g_autoptr(GError) error = NULL;
  set_unknown_command(&context, argv[1], &error);
  return print_error(error, &context);
}
