#include "pg/dsn/dsn.h"

#include "base/error.h"
#include "pg/dsn/dsn_rewrite.h"

#include <libpq-fe.h>
#include <string.h>

/* The specification's defaults for what neither the DSN nor libpq's environment sets. A service file may set
 * anything, so it disables them. */
static const struct {
  const char *keyword, *environment, *fallback;
} defaults[] = {
    {"host", "PGHOST", "localhost"},
    {"port", "PGPORT", "5432"},
    {"user", "PGUSER", "postgres"},
    {"dbname", "PGDATABASE", "postgres"},
};

typedef PQconninfoOption ConninfoOptions;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConninfoOptions, PQconninfoFree)

static ConninfoOptions *
parse_conninfo(const char *dsn, GError **error)
{
  g_auto(DsnRewrite) rewrite = {0};
  if (!dsn_rewrite(dsn, &rewrite, error))
    return NULL;
  char *message = NULL; /* can quote the string, and thus the password */
  ConninfoOptions *options = PQconninfoParse(rewrite.conninfo, &message);
  if (options == NULL)
    error_set(error, CCH_ERROR_CONFIG, "DSN: not a connection string that libpq accepts");
  PQfreemem(message);
  return options;
}

gboolean
dsn_check(const char *dsn, char **ret_ignored, GError **error)
{
  g_auto(DsnRewrite) rewrite = {0};
  if (!dsn_rewrite(dsn, &rewrite, error))
    return FALSE;
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < rewrite.ignored->len; i++)
    g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", (const char *)g_ptr_array_index(rewrite.ignored, i));
  *ret_ignored = g_string_free(names, names->len == 0);
  return TRUE;
}

gboolean
dsn_has_percent_in_password(const char *dsn)
{
  g_auto(DsnRewrite) rewrite = {0};
  return dsn_rewrite(dsn, &rewrite, NULL) && rewrite.has_percent_in_password;
}

static const char *
value_of(const ConninfoOptions *options, const char *keyword)
{
  for (; options->keyword != NULL; options++)
    if (strcmp(options->keyword, keyword) == 0)
      return options->val != NULL && *options->val != '\0' ? options->val : NULL;
  return NULL;
}

/* The service file entry that completes the DSN, or NULL. */
static const char *
service_of(const ConninfoOptions *options)
{
  const char *service = value_of(options, "service");
  return service != NULL ? service : g_getenv("PGSERVICE");
}

/* The effective value of a keyword; NULL if libpq itself decides. */
static const char *
effective_value(const ConninfoOptions *options, gsize default_index)
{
  const char *value = value_of(options, defaults[default_index].keyword);
  if (value == NULL && strcmp(defaults[default_index].keyword, "host") == 0)
    value = value_of(options, "hostaddr");
  if (value != NULL || service_of(options) != NULL)
    return value;
  const char *environment = g_getenv(defaults[default_index].environment);
  return environment != NULL && *environment != '\0' ? environment : defaults[default_index].fallback;
}

gboolean
dsn_parse_display(const char *dsn, DsnDisplay *ret_display, GError **error)
{
  g_autoptr(ConninfoOptions) options = parse_conninfo(dsn, error);
  if (options == NULL)
    return FALSE;
  const char *values[G_N_ELEMENTS(defaults)];
  for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++) {
    const char *value = effective_value(options, i);
    values[i] = value != NULL ? value : service_of(options);
  }
  *ret_display = (DsnDisplay){.host = g_strndup(values[0], strcspn(values[0], ",")),
                              .port = g_strndup(values[1], strcspn(values[1], ",")),
                              .user = g_strdup(values[2]),
                              .database = g_strdup(values[3])};
  return TRUE;
}

void
dsn_display_clear(DsnDisplay *display)
{
  g_clear_pointer(&display->host, g_free);
  g_clear_pointer(&display->port, g_free);
  g_clear_pointer(&display->user, g_free);
  g_clear_pointer(&display->database, g_free);
}

/* Everything in the DSN, then the defaults for the rest. `database`, unless NULL, replaces the DSN's. */
static char *
write_options(const ConninfoOptions *options, gboolean with_secrets, const char *database)
{
  GString *string = g_string_new(NULL);
  for (const ConninfoOptions *option = options; option->keyword != NULL; option++) {
    gboolean is_secret = option->dispchar[0] == '*';
    if (database != NULL && strcmp(option->keyword, "dbname") == 0)
      continue;
    if (option->val != NULL && *option->val != '\0' && (with_secrets || !is_secret))
      dsn_append(string, option->keyword, option->val);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++) {
    const char *value = effective_value(options, i);
    gboolean is_named =
        value_of(options, defaults[i].keyword) != NULL || (i == 0 && value_of(options, "hostaddr") != NULL);
    if (database != NULL && strcmp(defaults[i].keyword, "dbname") == 0)
      dsn_append(string, "dbname", database);
    else if (!is_named && value != NULL)
      dsn_append(string, defaults[i].keyword, value);
  }
  return g_string_free(string, FALSE);
}

char *
dsn_with_defaults(const char *dsn, GError **error)
{
  g_autoptr(ConninfoOptions) options = parse_conninfo(dsn, error);
  return options != NULL ? write_options(options, TRUE, NULL) : NULL;
}

char *
dsn_with_database(const char *dsn, const char *database, GError **error)
{
  g_autoptr(ConninfoOptions) options = parse_conninfo(dsn, error);
  return options != NULL ? write_options(options, TRUE, database) : NULL;
}

/* "PGPASSWORD=…", or an empty environment. */
static char **
secrets_of(const ConninfoOptions *options)
{
  g_autoptr(GStrvBuilder) environment = g_strv_builder_new();
  const char *password = value_of(options, "password");
  if (password != NULL) {
    g_autofree char *variable = g_strdup_printf("PGPASSWORD=%s", password);
    g_strv_builder_add(environment, variable);
  }
  return g_strv_builder_end(environment);
}

gboolean
dsn_for_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error)
{
  g_autoptr(ConninfoOptions) options = parse_conninfo(dsn, error);
  if (options == NULL)
    return FALSE;
  if (value_of(options, "sslpassword") != NULL) {
    error_set(error, CCH_ERROR_CONFIG,
              "DSN: sslpassword cannot be handed to pg_dump without showing it to others; use a key file without one");
    return FALSE;
  }
  *ret_environment = secrets_of(options);
  *ret_connection_string = write_options(options, FALSE, NULL);
  return TRUE;
}

gboolean
dsn_for_remote_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error)
{
  g_autoptr(ConninfoOptions) options = parse_conninfo(dsn, error);
  if (options == NULL)
    return FALSE;
  GString *string = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++) {
    const char *value = effective_value(options, i);
    gboolean is_place = strcmp(defaults[i].keyword, "host") == 0 || strcmp(defaults[i].keyword, "port") == 0;
    if (!is_place && value != NULL)
      dsn_append(string, defaults[i].keyword, value);
  }
  *ret_environment = secrets_of(options);
  *ret_connection_string = g_string_free(string, FALSE);
  return TRUE;
}
