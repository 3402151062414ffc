#include "cli/cli.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/batch/batch.h"
#include "cli/commands.h"
#include "cli/prices/prices.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BROKEN_PIPE_EXIT_CODE 141 /* as a shell says it of SIGPIPE */

#define COMMAND(name, arguments, run, zh, en)                                                                          \
  {                                                                                                                    \
    name, arguments, {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en}, run                                                  \
  }

static const CliCommand commands[] = {
    COMMAND("serve", "", cli_serve, "启动 HTTP 服务", "serve the HTTP API"),
    COMMAND("export", "[FILE]", cli_export, "导出数据库为 pg_dump 自定义格式的备份文件",
            "export the database as a pg_dump archive in custom format"),
    COMMAND("import", "FILE", cli_import, "导入备份文件：合并（默认）或覆盖",
            "import an archive: merge (the default) or overwrite"),
    COMMAND("inspect", "FILE", cli_inspect, "显示备份文件的头信息与目录", "show an archive's header and contents"),
    COMMAND("verify", "FILE", cli_verify, "完整检查备份文件", "read an archive to its end and check every byte"),
    COMMAND("prices", "VERB", cli_prices, "价格表：import、sync、list、get、set、delete、export",
            "the price table: import, sync, list, get, set, delete, export"),
    COMMAND("batch", "VERB", cli_batch, "批量修改：users、keys、providers、circuits，及 undo 撤销",
            "bulk changes: users, keys, providers, circuits; and undo"),
    COMMAND("migrate", "", cli_migrate, "执行数据库迁移", "bring the database to the current schema"),
    COMMAND("demo", "", cli_demo, "在空数据库中写入演示数据", "fill an empty database with plausible data"),
    {.name = NULL},
};

static void
print_usage(Language language)
{
  gboolean is_zh = language == LANGUAGE_ZH_CN;
  printf("%s: cch-data %s\n\n", is_zh ? "用法" : "Usage", is_zh ? "命令 [选项...]" : "COMMAND [OPTION...]");
  for (const CliCommand *command = commands; command->name != NULL; command++)
    printf("  %-8s %-7s %s\n", command->name, command->arguments, command->text[language]);
  printf("\n%s\n", is_zh ? "各命令的选项见 cch-data 命令 --help；--version 显示版本"
                         : "See cch-data COMMAND --help for the options; --version shows the version");
}

static const CliCommand *
find_command(const char *name)
{
  for (const CliCommand *command = commands; command->name != NULL; command++)
    if (strcmp(command->name, name) == 0)
      return command;
  return NULL;
}

static int
report(const GError *error, const CliContext *context)
{
  const ErrorInfo *info = error_info(error);
  g_autofree char *detail = text_visible(error->message);
  fprintf(stderr, "cch-data: %s: %s\n", error_text(error, context->language), detail);
  return info->exit_code;
}

/* A service outlives the terminal that started it: it ignores SIGHUP. */
static gboolean is_serving;

/* Signals become cancellation; a second one ends the program at once, in case something hangs. */
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

/* Nobody reads standard output any more. */
static gboolean
is_output_broken(void)
{
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

/* What was done and could not be said is no success. Whoever closed our output knows, and is told nothing. */
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
  return report(error, context);
}

/* An export into a pipe that was closed. */
static int
report_failure(const GError *error, const CliContext *context)
{
  gboolean is_about_output = error_code(error) == CCH_ERROR_FILE && strstr(error->message, "standard output") != NULL;
  return is_about_output && is_output_broken() ? BROKEN_PIPE_EXIT_CODE : report(error, context);
}

static int
run_command(const CliCommand *command, int argc, char **argv)
{
  CliContext context = {.command = command, .language = language_from_locale()};
  g_autoptr(GError) error = NULL;
  g_autoptr(Config) config = config_load(&argc, &argv, &error);
  if (config == NULL)
    return report(error, &context);
  LogLevel level = LOG_INFO;
  if (!log_level_parse(config->log_level, &level)) {
    error_set(&error, CCH_ERROR_CONFIG, "CCH_DATA_LOG_LEVEL is error, warning, info or debug, not \"%s\"",
              config->log_level);
    return report(error, &context);
  }
  log_set_level(level);
  if (config->old_names != NULL) {
    g_autofree char *notice = text_format(TEXT_CLI_OLD_NAMES, context.language, config->old_names);
    fprintf(stderr, "%s\n", notice);
  }
  LogFormat format = LOG_FORMAT_LOGFMT;
  if (!log_format_parse(config->log_format, &format)) {
    error_set(&error, CCH_ERROR_CONFIG, "LOG_FORMAT is logfmt or json, not \"%s\"", config->log_format);
    return report(error, &context);
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
  return output_exit_code(is_done ? 0 : report_failure(error, &context), &context);
}

int
cli_main(int argc, char **argv)
{
  setlocale(LC_CTYPE, "");
  /* A reader of our output or a client that has gone away is an error of write(), not the end of the program. */
  signal(SIGPIPE, SIG_IGN);
  Language language = language_from_locale();
  const char *first = argc > 1 ? argv[1] : "--help";
  if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
    print_usage(language);
    return argc > 1 ? output_exit_code(0, &(CliContext){.language = language})
                    : error_info_of(CCH_ERROR_USAGE)->exit_code;
  }
  if (strcmp(first, "--version") == 0) {
    printf("cch-data %s\n", CCH_VERSION);
    return output_exit_code(0, &(CliContext){.language = language});
  }
  const CliCommand *command = find_command(first);
  if (command == NULL) {
    fprintf(stderr, "cch-data: %s: %s\n", error_info_of(CCH_ERROR_USAGE)->text[language], first);
    return error_info_of(CCH_ERROR_USAGE)->exit_code;
  }
  return run_command(command, argc - 1, argv + 1);
}
