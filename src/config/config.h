/* The configuration: a table (options.def) read once from the environment and the command line, then constant. */
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
  ConfigString old_names; /* of the environment, that were read; "A, B", NULL: none */
} Config;

/* An option's variable is CCH_DATA_ and its name, because the hub's .env, which is often read with it, gives some of
 * these names another meaning. A few options mean the same to the hub and share its variable: DSN, REDIS_URL,
 * ADMIN_TOKEN, AUTO_MIGRATE, ENABLE_SECURE_COOKIES. The name without the prefix is read, too, unless the hub has it.
 *
 * Reads the environment, then `--flag value`, `--flag=value` (for a BOOLEAN also `--flag` and `--no-flag`) out of argv,
 * which keeps what is not an option of the table, and all that follows `--`. CONFIG, naming the option, on a value that
 * is wrong. data_dir is always set, and absolute.
 *
 * Secrets are taken out of the environment, so that no child inherits them, and overwritten in argv, which other users
 * can read. Call it once, before any thread starts. */
Config *config_load(int *argc, char ***argv, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* The flags' names, "listen-port"; free with g_strfreev. */
char **config_flags(void);

/* The options as help text, and as the page docs/configuration.md; free with g_free. */
char *config_help(Language language);
char *config_markdown(void);
