#include "pg/dsn/dsn_rewrite.h"

#include "base/error.h"

#include <string.h>

enum { DSN_MAX_BYTES = 16 * 1024 };

/* Does not say which part is wrong, because that part may be the password. */
#define ADDRESS_HINT                                                                                                   \
  "DSN: in an address, a user name or password writes @ as %40, % as %25, / as %2F, : as %3A, ? as %3F and # as "      \
  "%23; this one has a character that is not written so, or a port that is no number"

#define PAIRS_HINT                                                                                                     \
  "DSN: neither an address postgresql://user:password@host:port/database nor pairs keyword=value; a value with "       \
  "blanks is written 'between quotes', with \\' and \\\\ in it"

static gboolean
refuse_dsn(GError **error, const char *message)
{
  error_set(error, CCH_ERROR_CONFIG, "%s", message);
  return FALSE;
}

static void
free_secret(char *text)
{
  if (text != NULL)
    explicit_bzero(text, strlen(text));
  g_free(text);
}

void
dsn_pairs_clear(DsnPairs *pairs)
{
  for (guint i = 0; pairs->pairs != NULL && i < pairs->pairs->len; i++) {
    DsnPair *pair = &g_array_index(pairs->pairs, DsnPair, i);
    g_free(pair->name);
    free_secret(pair->value);
  }
  g_clear_pointer(&pairs->pairs, g_array_unref);
}

static void
take_pair(DsnPairs *pairs, char *name, char *value, gboolean is_certain)
{
  DsnPair pair = {name, value, is_certain};
  g_array_append_val(pairs->pairs, pair);
}

void
dsn_pairs_add(DsnPairs *pairs, const char *name, const char *value)
{
  take_pair(pairs, g_strdup(name), g_strdup(value), TRUE);
}

const char *
dsn_pairs_get(const DsnPairs *pairs, const char *name)
{
  for (guint i = pairs->pairs->len; i > 0; i--) {
    const DsnPair *pair = &g_array_index(pairs->pairs, DsnPair, i - 1);
    if (strcmp(pair->name, name) == 0)
      return pair->value;
  }
  return NULL;
}

/* "password", "sslpassword", "PWD" of other programs. */
static gboolean
is_password(const char *name)
{
  g_autofree char *lower = g_ascii_strdown(name, -1);
  return strstr(lower, "pass") != NULL || strstr(lower, "pwd") != NULL;
}

/* NULL on a '%' that does not begin an encoded byte, and on an encoded NUL. */
static char *
decode_percent(const char *text, gsize size)
{
  GString *decoded = g_string_sized_new(size);
  for (gsize i = 0; i < size; i++) {
    if (text[i] != '%') {
      g_string_append_c(decoded, text[i]);
      continue;
    }
    int high = i + 2 < size ? g_ascii_xdigit_value(text[i + 1]) : -1;
    int low = i + 2 < size ? g_ascii_xdigit_value(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) {
      free_secret(g_string_free(decoded, FALSE));
      return NULL;
    }
    g_string_append_c(decoded, (char)(high << 4 | low));
    i += 2;
  }
  return g_string_free(decoded, FALSE);
}

/* Adds a pair unless its value is empty. */
static gboolean
add_decoded(DsnPairs *pairs, const char *name, const char *text, gsize size, GError **error)
{
  if (size == 0)
    return TRUE;
  char *value = decode_percent(text, size);
  if (value == NULL)
    return refuse_dsn(error, ADDRESS_HINT);
  take_pair(pairs, g_strdup(name), value, TRUE);
  return TRUE;
}

/* The part up to the first '@', as libpq reads it. A '/' before the '@' ends the part, even one within a password. */
static gboolean
read_user(DsnPairs *pairs, const char **at, GError **error)
{
  gsize size = strcspn(*at, "@/");
  if ((*at)[size] != '@')
    return TRUE;
  gsize user_size = MIN(strcspn(*at, ":"), size);
  const char *password = *at + user_size + (user_size < size);
  gsize password_size = (gsize)(*at + size - password);
  pairs->has_percent_in_password = memchr(password, '%', password_size) != NULL;
  if (!add_decoded(pairs, "user", *at, user_size, error) ||
      !add_decoded(pairs, "password", password, password_size, error))
    return FALSE;
  *at += size + 1;
  return TRUE;
}

/* "host:port,[::1]:port", up to the path or the query. */
static gboolean
read_hosts(DsnPairs *pairs, const char **at, GError **error)
{
  g_autoptr(GString) hosts = g_string_new(NULL);
  g_autoptr(GString) ports = g_string_new(NULL);
  for (const char *p = *at;; p++) {
    gsize size;
    if (*p == '[') {
      size = strcspn(p, "]/?");
      if (p[size] != ']' || size == 1 || strchr(":,/?", p[size + 1]) == NULL)
        return refuse_dsn(error, ADDRESS_HINT);
      g_string_append_len(hosts, p + 1, (gssize)size - 1);
      p += size + 1;
    } else {
      size = strcspn(p, ":,/?");
      g_string_append_len(hosts, p, (gssize)size);
      p += size;
    }
    if (*p == ':') {
      size = strcspn(++p, ",/?");
      g_string_append_len(ports, p, (gssize)size);
      p += size;
    }
    *at = p;
    if (*p != ',')
      break;
    g_string_append_c(hosts, ',');
    g_string_append_c(ports, ',');
  }
  if (strchr(hosts->str, '@') != NULL || strspn(ports->str, "0123456789,") != ports->len)
    return refuse_dsn(error, ADDRESS_HINT);
  return add_decoded(pairs, "host", hosts->str, hosts->len, error) &&
         add_decoded(pairs, "port", ports->str, ports->len, error);
}

static gboolean
read_database(DsnPairs *pairs, const char **at, GError **error)
{
  if (**at != '/')
    return TRUE;
  gsize size = strcspn(*at, "?");
  /* An '@' here was meant to end the password. */
  if (memchr(*at, '@', size) != NULL)
    return refuse_dsn(error, ADDRESS_HINT);
  if (!add_decoded(pairs, "dbname", *at + 1, size - 1, error))
    return FALSE;
  *at += size;
  return TRUE;
}

static gboolean
read_query(DsnPairs *pairs, const char *query, GError **error)
{
  /* With an '@', this may be the rest of a password that was cut at a '?'. */
  gboolean is_certain = strchr(query, '@') == NULL;
  for (const char *p = query; *p != '\0';) {
    gsize size = strcspn(p, "&");
    gsize name_size = MIN(strcspn(p, "="), size);
    if (size > 0) {
      g_autofree char *name = decode_percent(p, name_size);
      char *value = name_size < size ? decode_percent(p + name_size + 1, size - name_size - 1) : NULL;
      if (name == NULL || *name == '\0' || value == NULL) {
        free_secret(value);
        return refuse_dsn(error,
                          "DSN: what follows the ? of an address is name=value, joined by &, with % written as %25, "
                          "& as %26 and @ as %40; this is not so");
      }
      pairs->has_percent_in_password |= is_password(name) && memchr(p, '%', size) != NULL;
      take_pair(pairs, g_strdup(name), value, is_certain);
      is_certain = is_certain && !is_password(name);
    }
    p += size + (p[size] == '&');
  }
  return TRUE;
}

static gboolean
read_address(DsnPairs *pairs, const char *at, GError **error)
{
  pairs->is_address = TRUE;
  if (!read_user(pairs, &at, error) || !read_hosts(pairs, &at, error) || !read_database(pairs, &at, error))
    return FALSE;
  return *at != '?' || read_query(pairs, at + 1, error);
}

/* A value: 'quoted', or up to a blank, with \ before literal characters. FALSE if the quote is not closed. */
static gboolean
read_value(const char **at, GString *value)
{
  gboolean is_quoted = **at == '\'';
  const char *p = *at + is_quoted;
  for (; *p != '\0' && (is_quoted ? *p != '\'' : !g_ascii_isspace(*p)); p++) {
    if (*p == '\\' && *++p == '\0')
      break;
    g_string_append_c(value, *p);
  }
  gboolean is_closed = !is_quoted || *p == '\'';
  *at = p + (is_quoted && is_closed);
  return is_closed;
}

static const char *
skip_blanks(const char *p)
{
  while (g_ascii_isspace(*p))
    p++;
  return p;
}

static gboolean
read_pairs(DsnPairs *pairs, const char *dsn, GError **error)
{
  gboolean is_certain = TRUE;
  for (const char *p = skip_blanks(dsn); *p != '\0'; p = skip_blanks(p)) {
    gsize size = strcspn(p, "= \t\n\r\f\v");
    const char *behind = skip_blanks(p + size);
    if (size == 0 || *behind != '=')
      return refuse_dsn(error, PAIRS_HINT);
    g_autofree char *name = g_strndup(p, size);
    p = skip_blanks(behind + 1);
    GString *value = g_string_new(NULL);
    gboolean is_closed = read_value(&p, value);
    take_pair(pairs, g_strdup(name), g_string_free(value, FALSE), is_certain);
    if (!is_closed)
      return refuse_dsn(error, PAIRS_HINT);
    is_certain = is_certain && !is_password(name);
  }
  return TRUE;
}

/* The part after "scheme://" if the scheme is one of PostgreSQL's; NULL: not an address. `ret_other` is set for
 * another server's scheme. */
static const char *
address_of(const char *dsn, gboolean *ret_other)
{
  static const char *const schemes[] = {"postgresql", "postgres", "postgis", "pgsql", "pg"};
  const char *start = g_ascii_strncasecmp(dsn, "jdbc:", 5) == 0 ? dsn + 5 : dsn;
  gsize size = strspn(start, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._");
  *ret_other = FALSE;
  if (size == 0 || strncmp(start + size, "://", 3) != 0)
    return NULL;
  gsize name_size = MIN(strcspn(start, "+"), size);
  for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
    if (strlen(schemes[i]) == name_size && g_ascii_strncasecmp(start, schemes[i], name_size) == 0)
      return start + size + 3;
  *ret_other = TRUE;
  return NULL;
}

/* An address behind something else: "DSN=postgresql://…", "psql postgresql://…", a mark or a typographic quote. */
static gboolean
holds_address(const char *dsn)
{
  const char *at = strstr(dsn, "postgresql://");
  if (at == NULL)
    at = strstr(dsn, "postgres://");
  if (at == NULL)
    return FALSE;
  g_autofree char *front = g_strndup(dsn, (gsize)(at - dsn));
  const char *equals = strchr(front, '=');
  return !is_password(front) && strstr(front, "dbname") == NULL && (equals == NULL || strchr(equals + 1, '=') == NULL);
}

/* "Host=…;Port=…", as .NET's drivers write it. */
static gboolean
is_joined_by_semicolons(const char *dsn)
{
  gsize size = strcspn(dsn, ";");
  const char *next = skip_blanks(dsn + size + (dsn[size] == ';'));
  gsize name_size = strcspn(next, "=; '\"");
  g_autofree char *first = g_strndup(dsn, size);
  return dsn[size] == ';' && !is_password(first) && memchr(dsn, '=', size) != NULL && memchr(dsn, ' ', size) == NULL &&
         name_size > 0 && strchr(next, '=') != NULL;
}

/* Without surrounding blanks, and without one pair of quotes around the whole. */
static char *
strip_quotes(const char *dsn)
{
  const char *start = skip_blanks(dsn);
  gsize size = strlen(start);
  while (size > 0 && g_ascii_isspace(start[size - 1]))
    size--;
  gboolean is_quoted = size >= 2 && strchr("'\"`", start[0]) != NULL && start[size - 1] == start[0];
  return is_quoted ? g_strndup(start + 1, size - 2) : g_strdup(start);
}

gboolean
dsn_pairs_read(const char *dsn, DsnPairs *ret_pairs, GError **error)
{
  if (strlen(dsn) > DSN_MAX_BYTES)
    return refuse_dsn(error, "DSN: longer than 16 KiB");
  g_autofree char *bare = strip_quotes(dsn);
  g_auto(DsnPairs) pairs = {.pairs = g_array_new(FALSE, FALSE, sizeof(DsnPair))};
  gboolean is_other = FALSE;
  const char *address = address_of(skip_blanks(bare), &is_other);
  if (is_other)
    return refuse_dsn(error, "DSN: the address does not begin with postgresql://");
  if (address == NULL && holds_address(bare))
    return refuse_dsn(error, "DSN: something stands in front of postgresql://; write the address alone");
  if (address == NULL && g_str_has_prefix(bare, "socket:"))
    return refuse_dsn(error, "DSN: a socket is written postgresql://user:password@/database?host=/directory");
  if (address == NULL && is_joined_by_semicolons(bare))
    return refuse_dsn(error, "DSN: pairs keyword=value are joined by blanks, not by ;: host=… port=… user=… "
                             "password=… dbname=…, or postgresql://user:password@host:port/database");
  if (address != NULL)
    g_strchomp(bare); /* at the end of pairs, a blank may be \-escaped */
  if (!(address != NULL ? read_address(&pairs, address, error) : read_pairs(&pairs, bare, error)))
    return FALSE;
  *ret_pairs = pairs;
  pairs = (DsnPairs){0};
  return TRUE;
}

void
dsn_append(GString *dsn, const char *keyword, const char *value)
{
  g_string_append_printf(dsn, "%s%s='", dsn->len > 0 ? " " : "", keyword);
  for (const char *p = value; *p != '\0'; p++) {
    if (*p == '\'' || *p == '\\')
      g_string_append_c(dsn, '\\');
    g_string_append_c(dsn, *p);
  }
  g_string_append_c(dsn, '\'');
}
