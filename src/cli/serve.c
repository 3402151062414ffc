#include "base/error.h"
#include "base/log.h"
#include "cli/cli.h"
#include "http/service.h"

#include <stdio.h>
#include <string.h>

static const char usage_text[] =
    "Usage: cch-data serve [--demo] [OPTION...]\n\n"
    "Serves export and import of the database over HTTP until SIGINT or SIGTERM. Without DSN it keeps a\n"
    "private PostgreSQL cluster in its data directory.\n\n"
    "  --demo                           fill an empty database with plausible data first\n"
    "  --help                           this text\n\n"
    "Options, each with its environment variable:\n";

static int
report(const GError *error, Language language)
{
  const ErrorInfo *info = error_info(error);
  fprintf(stderr, "cch-data: %s: %s\n", info->text[language], error->message);
  return info->exit_code;
}

int
cli_serve(int argc, char **argv)
{
  ServiceOptions options = {.language = language_from_locale()};
  g_autoptr(GError) error = NULL;
  g_autoptr(Config) config = config_load(&argc, &argv, &error);
  if (config == NULL)
    return report(error, options.language);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0) {
      g_autofree char *help = config_help(options.language);
      printf("%s%s", usage_text, help);
      return 0;
    }
    if (strcmp(argv[i], "--demo") != 0) {
      error_set(&error, CCH_ERROR_USAGE, "serve does not know %s; see cch-data serve --help", argv[i]);
      return report(error, options.language);
    }
    options.with_demo = TRUE;
  }
  LogLevel level = LOG_INFO;
  log_level_parse(config->log_level, &level);
  log_set_level(level);
  return service_run(config, &options, &error) ? 0 : report(error, options.language);
}
