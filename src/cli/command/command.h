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
  CliRunFunc run;
} CliCommand;

struct CliContext {
  const CliCommand *command; /* that runs */
  const Config *config;
  Language language;
  gboolean is_json;          /* --json: one JSON object a line on standard output instead of text */
  GCancellable *cancellable; /* triggered by SIGINT, SIGTERM and SIGHUP */
};

typedef enum {
  CLI_PARSE_RUN,  /* go on */
  CLI_PARSE_DONE, /* --help was asked for and printed */
  CLI_PARSE_ERROR
} CliParse;

/* Parses the command's options (`entries`, NULL-terminated, may be NULL) and --json, --help; afterwards argv[1…] are
 * the operands, `min` to `max` of them, else USAGE. */
CliParse cli_parse(CliContext *context, const GOptionEntry *entries, int *argc, char ***argv, int min, int max,
                   GError **error);

/* "alice@host (cch-data import)", for the lock and the audit; free with g_free. */
char *cli_holder(const char *command);
