/* PostgreSQL connection strings: libpq's two forms, the address postgresql://… and pairs keyword=value, and other
 * drivers' variants of the address. No message repeats a part of a string that could belong to a password. */
#pragma once

#include <glib.h>

/* The parts that may be shown; never the password. */
typedef struct {
  char *host;     /* first host, or the socket's directory; "localhost" by default */
  char *port;     /* "5432" by default */
  char *user;     /* "postgres" by default */
  char *database; /* "postgres" by default */
} DsnDisplay;

/* CONFIG if the string cannot be parsed, or has an unsupported parameter, which the message names. `ret_ignored`:
 * names of parameters that only concern another driver, joined by ", "; NULL if there are none; free with g_free.
 * Does not connect. */
gboolean dsn_check(const char *dsn, char **ret_ignored, GError **error);

/* TRUE for an address whose password has a '%': if the login fails, the '%' may have been meant literally. */
gboolean dsn_has_percent_in_password(const char *dsn);

/* CONFIG as in dsn_check. */
gboolean dsn_parse_display(const char *dsn, DsnDisplay *ret_display, GError **error);
void dsn_display_clear(DsnDisplay *display);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnDisplay, dsn_display_clear)

/* For a child program (pg_dump): the connection string without secrets, safe for its arguments, and the environment
 * with the secrets ("PGPASSWORD=…"; NULL-terminated, may be empty). */
gboolean dsn_for_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error);

/* The same for a program that runs beside the server, wherever that is: names only user and database. */
gboolean dsn_for_remote_child(const char *dsn, char **ret_connection_string, char ***ret_environment, GError **error);

/* The string as key=value pairs, with its secrets and with the specification's defaults (host localhost, port 5432,
 * user postgres, database postgres) for what neither it nor libpq's environment sets. */
char *dsn_with_defaults(const char *dsn, GError **error);

/* dsn_with_defaults for another database on the same server. */
char *dsn_with_database(const char *dsn, const char *database, GError **error);

/* Appends keyword='value' to a key=value string, with libpq's escapes (dsn_parse.c). */
void dsn_append(GString *dsn, const char *keyword, const char *value);
