#include "pg/dsn/dsn_rewrite.h"

#include "base/error.h"

#include <libpq-fe.h>
#include <string.h>

typedef enum {
  ACTION_UNKNOWN,
  ACTION_IGNORED,
  ACTION_SCHEMA,
  ACTION_TLS,
  ACTION_ACCEPT,
  ACTION_PRIMARY,
  ACTION_CONNECT_TIMEOUT,
  ACTION_USER,
  ACTION_DATABASE,
  ACTION_REFUSED
} Action;

static const struct {
  const char *name;
  Action action;
} parameters[] = {
#define DSN_PARAMETER(name, action) {name, ACTION_##action},
#include "pg/dsn/dsn_parameters.def"
#undef DSN_PARAMETER
};

/* In lower case, without '_', '-' and blanks. */
static char *
plain_name(const char *name)
{
  GString *plain = g_string_new(NULL);
  for (const char *p = name; *p != '\0'; p++)
    if (*p != '_' && *p != '-' && *p != ' ')
      g_string_append_c(plain, g_ascii_tolower(*p));
  return g_string_free(plain, FALSE);
}

static Action
action_of(const char *name)
{
  g_autofree char *plain = plain_name(name);
  for (gsize i = 0; i < G_N_ELEMENTS(parameters); i++)
    if (strcmp(parameters[i].name, plain) == 0)
      return parameters[i].action;
  return ACTION_UNKNOWN;
}

/* libpq's keyword; also in another spelling, such as sslMode, unless other drivers mean something else by that. NULL:
 * not libpq's. */
static const char *
libpq_keyword(const PQconninfoOption *known, const char *name)
{
  for (const PQconninfoOption *option = known; option->keyword != NULL; option++)
    if (strcmp(option->keyword, name) == 0)
      return option->keyword;
  g_autofree char *plain = plain_name(name);
  for (const PQconninfoOption *option = known; option->keyword != NULL; option++) {
    g_autofree char *keyword = plain_name(option->keyword);
    if (strcmp(keyword, plain) == 0 && action_of(name) == ACTION_UNKNOWN)
      return option->keyword;
  }
  return NULL;
}

static gboolean
is_one_of(const char *value, const char *const *words)
{
  return value != NULL && g_strv_contains(words, value);
}

static gboolean
refuse_parameter(GError **error, const DsnPair *pair, const char *reason)
{
  if (pair->is_certain)
    error_set(error, CCH_ERROR_CONFIG, "DSN: parameter %s: %s", pair->name, reason);
  else
    error_set(
        error, CCH_ERROR_CONFIG,
        "DSN: one of the parameters behind a password (or a part of a password that is not written as it has to be: "
        "in an address & as %%26, @ as %%40 and %% as %%25, in a pair 'between quotes'): %s",
        reason);
  return FALSE;
}

/* A search path whose first schema is public. */
static gboolean
is_public(const char *path)
{
  g_auto(GStrv) schemas = g_strsplit(path, ",", -1);
  for (char **schema = schemas; *schema != NULL; schema++) {
    g_strstrip(*schema);
    g_strdelimit(*schema, "\"'", ' ');
    g_strstrip(*schema);
    if (strcmp(*schema, "public") == 0)
      return TRUE;
    if (**schema != '\0' && strcmp(*schema, "$user") != 0)
      return FALSE;
  }
  return schemas[0] == NULL;
}

/* "-c search_path=x", "-csearch_path=x", "--search-path=x" in options. */
static gboolean
check_session_options(const DsnPair *pair, GError **error)
{
  g_autofree char *lower = g_ascii_strdown(pair->value, -1);
  g_strdelimit(lower, "-", '_');
  const char *path = strstr(lower, "search_path=");
  if (path != NULL) {
    path += strlen("search_path=");
    g_autofree char *value = g_strndup(path, strcspn(path, " \t\\"));
    if (!is_public(value))
      return refuse_parameter(error, pair, "search_path: only the schema public is worked on");
  }
  if (strstr(lower, "c role=") != NULL || strstr(lower, "crole=") != NULL || strstr(lower, "__role=") != NULL)
    return refuse_parameter(error, pair, "role: log in as the role itself");
  return TRUE;
}

static gboolean
set_tls(DsnPairs *pairs, const DsnPair *pair, GError **error)
{
  static const char *const on[] = {"true", "1", "on", "yes", "require", "no-verify", "", NULL};
  static const char *const off[] = {"false", "0", "off", "no", "disable", NULL};
  static const char *const modes[] = {"allow", "prefer", "verify-ca", "verify-full", NULL};
  if (dsn_pairs_get(pairs, "sslmode") != NULL)
    return TRUE;
  if (is_one_of(pair->value, on))
    dsn_pairs_add(pairs, "sslmode", "require");
  else if (is_one_of(pair->value, off))
    dsn_pairs_add(pairs, "sslmode", "disable");
  else if (is_one_of(pair->value, modes))
    dsn_pairs_add(pairs, "sslmode", pair->value);
  else
    return refuse_parameter(error, pair, "neither true nor false; write sslmode=…");
  return TRUE;
}

/* Applies a parameter that libpq does not know. `pair` is a copy, because the array grows. */
static gboolean
apply_foreign(DsnPairs *pairs, const DsnPair *pair, GPtrArray *ignored, GError **error)
{
  static const char *const primary[] = {"primary", "master", NULL};
  switch (action_of(pair->name)) {
  case ACTION_IGNORED:
    break;
  case ACTION_SCHEMA:
    if (!is_public(pair->value))
      return refuse_parameter(error, pair, "only the schema public is worked on");
    break;
  case ACTION_TLS:
    return set_tls(pairs, pair, error);
  case ACTION_ACCEPT:
    if (strcmp(pair->value, "strict") == 0)
      dsn_pairs_add(pairs, "sslmode", "verify-full");
    break;
  case ACTION_PRIMARY:
    if (is_one_of(pair->value, primary))
      dsn_pairs_add(pairs, "target_session_attrs", "primary");
    else if (strcmp(pair->value, "any") != 0)
      return refuse_parameter(error, pair, "only a primary can be worked on");
    return TRUE;
  case ACTION_CONNECT_TIMEOUT:
    if (*pair->value == '\0' || strspn(pair->value, "0123456789") != strlen(pair->value))
      return refuse_parameter(error, pair, "not a number of seconds");
    dsn_pairs_add(pairs, "connect_timeout", pair->value);
    return TRUE;
  case ACTION_USER:
    dsn_pairs_add(pairs, "user", pair->value);
    return TRUE;
  case ACTION_DATABASE:
    dsn_pairs_add(pairs, "dbname", pair->value);
    return TRUE;
  case ACTION_REFUSED:
    return refuse_parameter(error, pair, "changes what a session may do, which is not supported here; remove it");
  case ACTION_UNKNOWN:
  default:
    return refuse_parameter(error, pair, "not known; remove it");
  }
  if (pair->is_certain)
    g_ptr_array_add(ignored, g_strdup(pair->name));
  else
    g_ptr_array_add(ignored, g_strdup("…"));
  return TRUE;
}

/* Values that libpq would quote in a message if they are wrong. */
static gboolean
check_value(DsnPair *pair, GError **error)
{
  static const char *const modes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full", NULL};
  static const char *const numbers[] = {
      "connect_timeout",  "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
      "tcp_user_timeout", NULL};
  if (strcmp(pair->name, "sslmode") == 0) {
    g_autofree char *lower = g_ascii_strdown(pair->value, -1);
    /* node-postgres's name for TLS without certificate checks. */
    const char *mode = strcmp(lower, "no-verify") == 0 ? "require" : lower;
    if (*mode != '\0' && !is_one_of(mode, modes))
      return refuse_parameter(error, pair, "none of disable, allow, prefer, require, verify-ca and verify-full");
    g_free(pair->value);
    pair->value = g_strdup(mode);
  }
  if (is_one_of(pair->name, numbers) && strspn(pair->value, "0123456789-") != strlen(pair->value))
    return refuse_parameter(error, pair, "not a whole number");
  if (strcmp(pair->name, "port") == 0 && strspn(pair->value, "0123456789,") != strlen(pair->value))
    return refuse_parameter(error, pair, "not a number");
  if (strcmp(pair->name, "options") == 0)
    return check_session_options(pair, error);
  if (strcmp(pair->name, "replication") == 0)
    return refuse_parameter(error, pair, "changes what a session may do, which is not supported here; remove it");
  if (strcmp(pair->name, "dbname") == 0 && (strstr(pair->value, "://") != NULL || strchr(pair->value, '=') != NULL) &&
      strstr(pair->value, "postgres") == pair->value)
    return refuse_parameter(error, pair, "holds a connection string instead of a name");
  return TRUE;
}

/* Names, addresses, and socket directories. */
static gboolean
check_hosts(const DsnPairs *pairs, GError **error)
{
  const char *value = dsn_pairs_get(pairs, "host");
  g_auto(GStrv) hosts = g_strsplit(value != NULL ? value : "", ",", -1);
  for (char **host = hosts; *host != NULL; host++) {
    if (**host == '/' || **host == '@')
      continue;
    for (const char *p = *host; *p != '\0'; p++)
      if (!g_ascii_isalnum(*p) && strchr(".-_:%", *p) == NULL && (guchar)*p < 0x80) {
        error_set(error, CCH_ERROR_CONFIG,
                  "DSN: the host holds a character that no host's name has; was a password's @ not written as %%40?");
        return FALSE;
      }
  }
  return TRUE;
}

static gboolean
apply_pairs(DsnPairs *pairs, GPtrArray *ignored, GError **error)
{
  PQconninfoOption *known = PQconninfoParse("", NULL);
  gboolean ok = known != NULL;
  for (guint i = 0; ok && i < pairs->pairs->len; i++) {
    DsnPair *pair = &g_array_index(pairs->pairs, DsnPair, i);
    const char *keyword = libpq_keyword(known, pair->name);
    if (keyword != NULL) {
      g_free(pair->name);
      pair->name = g_strdup(keyword);
      ok = check_value(pair, error);
      continue;
    }
    DsnPair foreign = *pair;
    ok = apply_foreign(pairs, &foreign, ignored, error);
    /* An empty name marks a pair that is not written. */
    *g_array_index(pairs->pairs, DsnPair, i).name = '\0';
  }
  PQconninfoFree(known);
  return ok && check_hosts(pairs, error) && dsn_use_system_authorities(pairs, error);
}

gboolean
dsn_rewrite(const char *dsn, DsnRewrite *ret_rewrite, GError **error)
{
  g_auto(DsnPairs) pairs = {0};
  if (!dsn_pairs_read(dsn, &pairs, error))
    return FALSE;
  g_autoptr(GPtrArray) ignored = g_ptr_array_new_with_free_func(g_free);
  if (!apply_pairs(&pairs, ignored, error))
    return FALSE;
  GString *conninfo = g_string_new(NULL);
  for (guint i = 0; i < pairs.pairs->len; i++) {
    const DsnPair *pair = &g_array_index(pairs.pairs, DsnPair, i);
    if (*pair->name != '\0')
      dsn_append(conninfo, pair->name, pair->value);
  }
  *ret_rewrite = (DsnRewrite){g_string_free(conninfo, FALSE), g_steal_pointer(&ignored), pairs.has_percent_in_password};
  return TRUE;
}

void
dsn_rewrite_clear(DsnRewrite *rewrite)
{
  if (rewrite->conninfo != NULL)
    explicit_bzero(rewrite->conninfo, strlen(rewrite->conninfo));
  g_clear_pointer(&rewrite->conninfo, g_free);
  g_clear_pointer(&rewrite->ignored, g_ptr_array_unref);
}
