#include "cli/command/command.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void
print_help(GOptionContext *options, const CliCommand *command, Language language)
{
  g_autofree char *help = g_option_context_get_help(options, TRUE, NULL);
  g_autofree char *config = config_help(language);
  /* GLib's first line names the program's file; ours names the command. */
  const char *rest = strstr(help, "\n\n");
  printf("%s: cch-data %s %s\n\n%s%s\n%s:\n%s", language == LANGUAGE_ZH_CN ? "用法" : "Usage", command->name,
         command->arguments, command->text[language], rest != NULL ? rest : "",
         language == LANGUAGE_ZH_CN ? "通用选项" : "Options of all commands", config);
}

CliParse
cli_parse(CliContext *context, const GOptionEntry *entries, int *argc, char ***argv, int min, int max, GError **error)
{
  const CliCommand *command = context->command;
  gboolean is_help = FALSE;
  const GOptionEntry common[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &context->is_json, "one JSON object a line instead of text", NULL},
      {"help", 'h', 0, G_OPTION_ARG_NONE, &is_help, "this text", NULL},
      {NULL},
  };
  g_autoptr(GOptionContext) options = g_option_context_new(command->arguments);
  g_option_context_set_help_enabled(options, FALSE);
  if (entries != NULL)
    g_option_context_add_main_entries(options, entries, NULL);
  g_option_context_add_main_entries(options, common, NULL);
  if (!g_option_context_parse(options, argc, argv, error))
    return CLI_PARSE_ERROR;
  if (is_help) {
    print_help(options, command, context->language);
    return CLI_PARSE_DONE;
  }
  int operands = *argc - 1;
  if (operands < min || operands > max) {
    error_set(error, CCH_ERROR_USAGE, "cch-data %s %s", command->name, command->arguments);
    return CLI_PARSE_ERROR;
  }
  return CLI_PARSE_RUN;
}

char *
cli_holder(const char *command)
{
  return g_strdup_printf("%s@%s (cch-data %s)", g_get_user_name(), g_get_host_name(), command);
}
