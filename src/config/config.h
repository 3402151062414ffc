/* The configuration: a table (options.def), read once from the environment and the command line, then constant. */
#pragma once

#include "base/language.h"

#include <glib.h>

typedef char *ConfigString;

typedef struct {
#define CONFIG_TYPE_STRING                                                               ConfigString
#define CONFIG_TYPE_SECRET                                                               ConfigString
#define CONFIG_TYPE_INTEGER                                                              guint64
#define CONFIG_TYPE_BOOLEAN                                                              gboolean
#define OPTION(field, environment, flag, type, fallback, minimum, maximum, unit, zh, en) CONFIG_TYPE_##type field;
#include "config/options.def"
#undef OPTION
#undef CONFIG_TYPE_STRING
#undef CONFIG_TYPE_SECRET
#undef CONFIG_TYPE_INTEGER
#undef CONFIG_TYPE_BOOLEAN
  ConfigString old_names; /* old variable names that were read; "A, B"; NULL: none */
} Config;

/* An option's variable is its name with the prefix CCH_DATA_, because the hub's .env, which is often read with it, uses
 * some of the names for something else. A few options mean the same to the hub and share its variable: DSN, REDIS_URL,
 * ADMIN_TOKEN, AUTO_MIGRATE, ENABLE_SECURE_COOKIES. The name without the prefix is read, too, unless the hub uses it
 * for something else.
 *
 * Reads the environment, then `--flag value`, `--flag=value` (for a BOOLEAN also `--flag` and `--no-flag`) from argv,
 * which keeps arguments that are not options of the table, and everything after `--`. CONFIG, naming the option, for an
 * invalid value. data_dir is always set, and absolute.
 *
 * Secrets are removed from the environment, so that no child inherits them, and overwritten in argv, which other
 * users can read. Call it once, before any thread starts. */
Config *config_load(int *argc, char ***argv, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* The names of the flags, "listen-port"; free with g_strfreev. */
char **config_flags(void);

/* An option as people write it, for man pages and completions. */
typedef struct {
  const char *flag; /* "listen-port" */
  char *usage;      /* "--listen-port NUMBER", "--[no-]auto-migrate" */
  char *variable;   /* "CCH_DATA_LISTEN_PORT" */
  char *fallback;   /* "23100"; "": none */
  char *range;      /* "0 to 65535"; "": of no interest */
  gboolean is_boolean;
  const char *const *text; /* by Language */
} ConfigOption;
/* All options, of ConfigOption; free with g_ptr_array_unref. */
GPtrArray *config_options(void);

/* The options as help text, and as the page docs/configuration.md; free with g_free. */
char *config_help(Language language);
char *config_markdown(void);
