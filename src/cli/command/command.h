/* The context of every command, and the parsing of its options.
 *
 * A command gets the command line without the options of config/options.def. It parses its own options with
 * cli_parse, and returns TRUE or an error, whose exit code (base/errors.def) becomes the program's. */
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

/* A verb of a command: "sync" in `cch-data prices sync`. */
typedef struct {
  const char *name;
  const char *arguments; /* for the usage line: "MODEL..." */
  guint min, max;        /* number of operands after the verb */
  const char *options;   /* the command's options that the verb accepts, with a space around each; others are refused */
  const char *text[LANGUAGE_COUNT];
  const char *examples;
  gboolean (*run)(gpointer command, GError **error); /* `command` is the command's own state */
} CliVerb;

#define CLI_VERB(name, arguments, min, max, options, run, zh, en, examples)                                            \
  {                                                                                                                    \
    name, arguments, min, max, options, {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en}, examples, run                     \
  }

/* Is told the options of a command, or of each of its verbs, for man pages and completions. `verb` is NULL for a
 * command without verbs. `entries` ends with a NULL name. */
typedef void (*CliDescribeFunc)(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data);

struct CliContext {
  const CliCommand *command; /* the running command */
  const Config *config;
  Language language;
  gboolean is_json;          /* --json: one JSON object per line on standard output instead of text */
  int wait_s;                /* --wait: for another backup operation to end */
  GCancellable *cancellable; /* triggered by SIGINT, SIGTERM and SIGHUP */
  CliDescribeFunc describe;  /* NULL, or what cli_parse and cli_parse_verb tell instead of parsing (CLI_PARSE_DONE) */
  gpointer describe_data;
  int exit_code; /* set by a command with exit codes of its own; 0: by success and the error's table */
};

typedef enum {
  CLI_PARSE_RUN,  /* go on */
  CLI_PARSE_DONE, /* --help was given and has been printed */
  CLI_PARSE_ERROR
} CliParse;

/* One of the two texts, by the context's language; for texts that are used in one place. */
const char *cli_say(const CliContext *context, const char *zh, const char *en);

/* Parses the command's options (`entries`, NULL-terminated, may be NULL), --json and --help. Afterwards argv[1…] are
 * `min` to `max` operands; otherwise USAGE. For an unknown option, the error suggests the nearest known one. */
CliParse cli_parse(CliContext *context, const GOptionEntry *entries, int *argc, char ***argv, int min, int max,
                   GError **error);

/* cli_parse for a command with verbs: finds the verb, and accepts and explains only its options. Afterwards argv[1…]
 * are the operands after the verb. */
CliParse cli_parse_verb(CliContext *context, const CliVerb *verbs, gsize n_verbs, const GOptionEntry *entries,
                        int *argc, char ***argv, const CliVerb **ret_verb, GError **error);

/* USAGE: `given` is none of `words` (NULL-terminated); suggests the nearest one. */
void cli_set_unknown(const CliContext *context, const char *given, const char *const *words, GError **error);

/* USAGE unless `given` is NULL or one of `words`. */
gboolean cli_check_word(const CliContext *context, const char *option, const char *given, const char *const *words,
                        GError **error);

/* "alice@host (cch-data import)", for the lock and the audit; free with g_free. */
char *cli_holder(const char *command);
