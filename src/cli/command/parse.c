#include "cli/command/command.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/command/nearest.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_COLUMN = 30, MAX_WAIT_S = 7 * 24 * 3600 };

const char *
cli_say(const CliContext *context, const char *zh, const char *en)
{
  return context->language == LANGUAGE_ZH_CN ? zh : en;
}

void
cli_set_unknown(const CliContext *context, const char *given, const char *const *words, GError **error)
{
  const char *nearest = nearest_word(given, words);
  g_autofree char *all = g_strjoinv(", ", (char **)(gpointer)words);
  g_autofree char *text = nearest != NULL ? text_format(TEXT_CLI_DID_YOU_MEAN, context->language, given, nearest)
                                          : text_format(TEXT_CLI_NONE_OF, context->language, given, all);
  error_set(error, CCH_ERROR_USAGE, "%s", text);
}

gboolean
cli_check_word(const CliContext *context, const char *option, const char *given, const char *const *words,
               GError **error)
{
  if (given == NULL || g_strv_contains(words, given))
    return TRUE;
  cli_set_unknown(context, given, words, error);
  g_prefix_error(error, "%s: ", option);
  return FALSE;
}

static void
print_option(const GOptionEntry *entry)
{
  g_autofree char *left = g_strdup_printf(
      "  %s%c%s--%s%s%s", entry->short_name != 0 ? "-" : " ", entry->short_name != 0 ? entry->short_name : ' ',
      entry->short_name != 0 ? ", " : "  ", entry->long_name, entry->arg_description != NULL ? "=" : "",
      entry->arg_description != NULL ? entry->arg_description : "");
  if (strlen(left) < OPTION_COLUMN)
    printf("%-*s%s\n", OPTION_COLUMN, left, entry->description);
  else
    printf("%s\n%*s%s\n", left, OPTION_COLUMN, "", entry->description);
}

static void
print_options(const CliContext *context, const GArray *entries)
{
  printf("\n%s\n", cli_say(context, "选项：", "Options:"));
  for (guint i = 0; i < entries->len; i++) {
    const GOptionEntry *entry = &g_array_index(entries, GOptionEntry, i);
    if ((entry->flags & G_OPTION_FLAG_HIDDEN) == 0)
      print_option(entry);
  }
}

static void
print_examples(const CliContext *context, const char *examples)
{
  if (examples == NULL)
    return;
  printf("\n%s\n", cli_say(context, "示例：", "Examples:"));
  g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);
  for (char **line = lines; **line != '\0'; line++)
    printf("  %s\n", *line);
}

static void
print_help(const CliContext *context, const CliVerb *verb, const GArray *entries)
{
  const CliCommand *command = context->command;
  printf("%s: cch-data %s%s%s%s%s\n\n%s\n", cli_say(context, "用法", "Usage"), command->name, verb != NULL ? " " : "",
         verb != NULL ? verb->name : "", cli_say(context, " [选项...] ", " [OPTION...] "),
         verb != NULL ? verb->arguments : command->arguments,
         (verb != NULL ? verb->text : command->text)[context->language]);
  print_options(context, entries);
  print_examples(context, verb != NULL ? verb->examples : command->examples);
  printf("\n%s\n", cli_say(context, "通用选项（数据库、Redis 等）见 cch-data help options",
                           "Options of all commands (database, Redis and others): cch-data help options"));
}

static void
print_verbs(const CliContext *context, const CliVerb *verbs, gsize n_verbs)
{
  const CliCommand *command = context->command;
  printf("%s: cch-data %s %s\n\n%s\n\n", cli_say(context, "用法", "Usage"), command->name,
         cli_say(context, "操作 [选项...]", "VERB [OPTION...]"), command->text[context->language]);
  for (gsize i = 0; i < n_verbs; i++) {
    g_autofree char *left = g_strdup_printf("  %s %s", verbs[i].name, verbs[i].arguments);
    printf("%-*s%s%s\n", OPTION_COLUMN, left, strlen(left) < OPTION_COLUMN ? "" : " ",
           verbs[i].text[context->language]);
  }
  print_examples(context, command->examples);
  g_autofree char *more = text_format(TEXT_CLI_HELP_OF_VERBS, context->language, command->name);
  printf("\n%s\n", more);
}

/* Suggests a known option for "--overwrit=x". */
static void
set_unknown_option(const CliContext *context, const CliVerb *verb, const GOptionEntry *entries, const GArray *accepted,
                   const char *given, GError **error)
{
  g_autofree char *name = g_strndup(given, strcspn(given, "="));
  for (const GOptionEntry *entry = entries; verb != NULL && entry != NULL && entry->long_name != NULL; entry++)
    if (strcmp(entry->long_name, name) == 0) {
      g_autofree char *text =
          text_format(TEXT_CLI_VERB_WITHOUT_OPTION, context->language, context->command->name, verb->name, name);
      error_set(error, CCH_ERROR_USAGE, "%s", text);
      return;
    }
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < accepted->len; i++)
    g_ptr_array_add(words, g_strdup(g_array_index(accepted, GOptionEntry, i).long_name));
  g_auto(GStrv) shared = config_flags();
  for (char **flag = shared; *flag != NULL; flag++)
    g_ptr_array_add(words, g_strdup(*flag));
  g_ptr_array_add(words, NULL);
  const char *nearest = nearest_word(name, (const char *const *)words->pdata);
  g_autofree char *text = nearest != NULL
                              ? text_format(TEXT_CLI_OPTION_MEANT, context->language, name, nearest)
                              : text_format(TEXT_CLI_NO_OPTION, context->language, name, context->command->name);
  error_set(error, CCH_ERROR_USAGE, "%s", text);
}

static gboolean
verb_takes_option(const CliVerb *verb, const char *option)
{
  g_autofree char *word = g_strdup_printf(" %s ", option);
  return verb == NULL || strstr(verb->options, word) != NULL;
}

/* The options of the command, or of its verb; NULL-terminated beyond its length. */
static GArray *
collect_entries(CliContext *context, const CliVerb *verb, const GOptionEntry *entries, gboolean *is_help)
{
  const GOptionEntry common[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &context->is_json,
       cli_say(context, "输出 JSON（每行一个对象）而非文本；错误也是 JSON",
               "one JSON object a line instead of text, errors too"),
       NULL},
      {"help", 'h', 0, G_OPTION_ARG_NONE, is_help, cli_say(context, "显示本说明", "this text"), NULL},
  };
  GArray *accepted = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
  for (; entries != NULL && entries->long_name != NULL; entries++)
    if (verb_takes_option(verb, entries->long_name))
      g_array_append_vals(accepted, entries, 1);
  g_array_append_vals(accepted, common, G_N_ELEMENTS(common));
  return accepted;
}

static CliParse
describe_options(CliContext *context, const CliVerb *verb, const GOptionEntry *entries)
{
  gboolean is_help = FALSE;
  g_autoptr(GArray) accepted = collect_entries(context, verb, entries, &is_help);
  context->describe(verb, (const GOptionEntry *)(gpointer)accepted->data, context->describe_data);
  return CLI_PARSE_DONE;
}

static CliParse
parse_options(CliContext *context, const CliVerb *verb, const GOptionEntry *entries, int *argc, char ***argv, int min,
              int max, GError **error)
{
  gboolean is_help = FALSE;
  g_autoptr(GArray) accepted = collect_entries(context, verb, entries, &is_help);
  g_autoptr(GOptionContext) options = g_option_context_new(NULL);
  g_option_context_set_help_enabled(options, FALSE);
  g_option_context_add_main_entries(options, (const GOptionEntry *)(gpointer)accepted->data, NULL);
  g_autoptr(GError) failure = NULL;
  gboolean is_json = context->is_json;
  if (!g_option_context_parse(options, argc, argv, &failure)) {
    context->is_json = is_json; /* GLib has reset what it had set */
    const char *dashes = strstr(failure->message, "--");
    if (g_error_matches(failure, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION) && dashes != NULL)
      set_unknown_option(context, verb, entries, accepted, dashes + strlen("--"), error);
    else
      g_propagate_error(error, g_steal_pointer(&failure));
    return CLI_PARSE_ERROR;
  }
  if (is_help) {
    print_help(context, verb, accepted);
    return CLI_PARSE_DONE;
  }
  if (context->wait_s < 0 || context->wait_s > MAX_WAIT_S) {
    error_set(error, CCH_ERROR_USAGE, "--wait: 0 to %d", MAX_WAIT_S);
    return CLI_PARSE_ERROR;
  }
  int operands = *argc - 1;
  if (operands >= min && operands <= max)
    return CLI_PARSE_RUN;
  error_set(error, CCH_ERROR_USAGE, "cch-data %s%s%s %s", context->command->name, verb != NULL ? " " : "",
            verb != NULL ? verb->name : "", verb != NULL ? verb->arguments : context->command->arguments);
  return CLI_PARSE_ERROR;
}

CliParse
cli_parse(CliContext *context, const GOptionEntry *entries, int *argc, char ***argv, int min, int max, GError **error)
{
  if (context->describe != NULL)
    return describe_options(context, NULL, entries);
  return parse_options(context, NULL, entries, argc, argv, min, max, error);
}

/* The first argument that is not an option is the verb; if it is unknown, options before it may have hidden the
 * verb. */
static const CliVerb *
take_verb(const CliVerb *verbs, gsize n_verbs, int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++)
    for (gsize v = 0; v < n_verbs; v++)
      if (strcmp(argv[i], verbs[v].name) == 0) {
        memmove(argv + i, argv + i + 1, (gsize)(*argc - i) * sizeof *argv);
        *argc -= 1;
        return &verbs[v];
      }
  return NULL;
}

CliParse
cli_parse_verb(CliContext *context, const CliVerb *verbs, gsize n_verbs, const GOptionEntry *entries, int *argc,
               char ***argv, const CliVerb **ret_verb, GError **error)
{
  *ret_verb = NULL;
  if (context->describe != NULL) {
    for (gsize i = 0; i < n_verbs; i++)
      describe_options(context, &verbs[i], entries);
    return CLI_PARSE_DONE;
  }
  const CliVerb *verb = take_verb(verbs, n_verbs, argc, *argv);
  *ret_verb = verb;
  if (verb != NULL)
    return parse_options(context, verb, entries, argc, argv, (int)verb->min, (int)verb->max, error);
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (gsize i = 0; i < n_verbs; i++)
    g_ptr_array_add(names, (gpointer)verbs[i].name);
  g_ptr_array_add(names, NULL);
  for (int i = 1; i < *argc; i++) {
    if (strcmp((*argv)[i], "--help") == 0 || strcmp((*argv)[i], "-h") == 0) {
      print_verbs(context, verbs, n_verbs);
      return CLI_PARSE_DONE;
    }
    if ((*argv)[i][0] != '-') {
      cli_set_unknown(context, (*argv)[i], (const char *const *)names->pdata, error);
      return CLI_PARSE_ERROR;
    }
  }
  g_autofree char *all = g_strjoinv(" | ", (char **)names->pdata);
  error_set(error, CCH_ERROR_USAGE, "cch-data %s %s", context->command->name, all);
  return CLI_PARSE_ERROR;
}

char *
cli_holder(const char *command)
{
  return g_strdup_printf("%s@%s (cch-data %s)", g_get_user_name(), g_get_host_name(), command);
}
