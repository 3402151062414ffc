/* Connection strings: every form that libpq takes, URIs and key=value alike. */
#pragma once

#include <glib.h>

/* What can be shown to people; never the password. */
typedef struct {
  char *host;     /* first host, or the socket's directory; "localhost" by default */
  char *port;     /* "5432" by default */
  char *user;     /* "postgres" by default */
  char *database; /* "postgres" by default */
} DsnDisplay;

/* CONFIG on a string that libpq does not accept. */
gboolean dsn_parse_display(const char *dsn, DsnDisplay *ret_display, GError **error);
void dsn_display_clear(DsnDisplay *display);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnDisplay, dsn_display_clear)

/* For a child program (pg_dump): the connection string without secrets, fit for its arguments, and the environment that
 * carries the secrets ("PGPASSWORD=…"; NULL-terminated, maybe empty). */
gboolean dsn_for_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error);

/* The string with the specification's defaults (host localhost, port 5432, user postgres, database postgres) for what
 * neither it nor libpq's environment names, as a key=value string with its secrets. */
char *dsn_with_defaults(const char *dsn, GError **error);

/* Likewise, for another database of the same server. */
char *dsn_with_database(const char *dsn, const char *database, GError **error);

/* Appends keyword='value' to a key=value string, with libpq's escapes. */
void dsn_append(GString *dsn, const char *keyword, const char *value);
