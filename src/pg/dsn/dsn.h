/* Connection strings to PostgreSQL: libpq's two forms, the address postgresql://… and pairs keyword=value, and what
 * other drivers make of the address. No message repeats a part of a string that could belong to a password. */
#pragma once

#include <glib.h>

/* What can be shown to people; never the password. */
typedef struct {
  char *host;     /* first host, or the socket's directory; "localhost" by default */
  char *port;     /* "5432" by default */
  char *user;     /* "postgres" by default */
  char *database; /* "postgres" by default */
} DsnDisplay;

/* CONFIG on a string that is not understood, or has a parameter that cannot be heeded, which the message names.
 * `ret_ignored`: names of parameters that mean something to another driver only, joined by ", "; NULL when there are
 * none; free with g_free. Connects to nothing. */
gboolean dsn_check(const char *dsn, char **ret_ignored, GError **error);

/* TRUE for an address whose password has a '%': where the login fails, it may have been meant as itself. */
gboolean dsn_has_percent_in_password(const char *dsn);

/* CONFIG as dsn_check. */
gboolean dsn_parse_display(const char *dsn, DsnDisplay *ret_display, GError **error);
void dsn_display_clear(DsnDisplay *display);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnDisplay, dsn_display_clear)

/* For a child program (pg_dump): the connection string without secrets, fit for its arguments, and the environment that
 * carries the secrets ("PGPASSWORD=…"; NULL-terminated, maybe empty). */
gboolean dsn_for_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error);

/* The same for a program that runs beside the server, wherever that is: only user and database are named. */
gboolean dsn_for_remote_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error);

/* The string with the specification's defaults (host localhost, port 5432, user postgres, database postgres) for what
 * neither it nor libpq's environment names, as a key=value string with its secrets. */
char *dsn_with_defaults(const char *dsn, GError **error);

/* Likewise, for another database of the same server. */
char *dsn_with_database(const char *dsn, const char *database, GError **error);

/* Appends keyword='value' to a key=value string, with libpq's escapes (dsn_parse.c). */
void dsn_append(GString *dsn, const char *keyword, const char *value);
