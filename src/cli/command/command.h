/* What every command gets, and how it reads its options.
 *
 * A command gets what is left of the command line after the options of config/options.def were taken out, parses its
 * own with cli_parse, and returns TRUE or an error, whose exit code (base/errors.def) becomes the program's. */
#pragma once

#include "base/language.h"
#include "config/config.h"

#include <gio/gio.h>

typedef struct CliContext CliContext;

typedef gboolean (*CliRunFunc)(CliContext *context, int argc, char **argv, GError **error);

typedef struct {
  const char *name;
  const char *arguments; /* for the usage line: "FILE" */
  const char *text[LANGUAGE_COUNT];
  const char *examples; /* command lines, each ending with a line feed */
  CliRunFunc run;
} CliCommand;

/* What a command can do, where it can do several things: "sync" of `cch-data prices sync`. */
typedef struct {
  const char *name;
  const char *arguments; /* for the usage line: "MODEL..." */
  guint min, max;        /* operands after the verb */
  const char *options;   /* the command's options that it takes, with a space around each; others are refused */
  const char *text[LANGUAGE_COUNT];
  const char *examples;
  gboolean (*run)(gpointer command, GError **error); /* `command` is the command's own state */
} CliVerb;

#define CLI_VERB(name, arguments, min, max, options, run, zh, en, examples)                                            \
  {                                                                                                                    \
    name, arguments, min, max, options, {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en}, examples, run                     \
  }

struct CliContext {
  const CliCommand *command; /* that runs */
  const Config *config;
  Language language;
  gboolean is_json;          /* --json: one JSON object a line on standard output instead of text */
  int wait_s;                /* --wait: for another backup operation to end */
  GCancellable *cancellable; /* triggered by SIGINT, SIGTERM and SIGHUP */
};

typedef enum {
  CLI_PARSE_RUN,  /* go on */
  CLI_PARSE_DONE, /* --help was asked for and printed */
  CLI_PARSE_ERROR
} CliParse;

/* One of the two, by the context's language: for texts that stand where they are used. */
const char *cli_say(const CliContext *context, const char *zh, const char *en);

/* Parses the command's options (`entries`, NULL-terminated, may be NULL) and --json, --help; afterwards argv[1…] are
 * the operands, `min` to `max` of them, else USAGE. A wrong option is answered with the nearest right one. */
CliParse cli_parse(CliContext *context, const GOptionEntry *entries, int *argc, char ***argv, int min, int max,
                   GError **error);

/* As cli_parse for a command with verbs: finds the verb, accepts and explains only what it takes. Afterwards argv[1…]
 * are the operands after the verb. */
CliParse cli_parse_verb(CliContext *context, const CliVerb *verbs, gsize n_verbs, const GOptionEntry *entries,
                        int *argc, char ***argv, const CliVerb **ret_verb, GError **error);

/* USAGE: `given` is none of `words` (NULL-terminated), and what it is likely to have been meant for. */
void cli_set_unknown(const CliContext *context, const char *given, const char *const *words, GError **error);

/* USAGE unless `given` is NULL or one of `words`. */
gboolean cli_check_word(const CliContext *context, const char *option, const char *given, const char *const *words,
                        GError **error);

/* "alice@host (cch-data import)", for the lock and the audit; free with g_free. */
char *cli_holder(const char *command);
