#include "lock/holder.h"

#include "base/json.h"
#include "base/random_id.h"

#include <string.h>
#include <unistd.h>

#define NAME_PREFIX    "cch-data lock: "
#define NAME_SEPARATOR " by "

enum {
  HOLDER_MAX_CHARACTERS = 200,
  VALUE_MAX_BYTES = 4096, /* for a value that another program may have written */
  VALUE_RANDOM_BYTES = 16
};

void
backup_lock_holder_clear(BackupLockHolder *holder)
{
  holder->is_held = FALSE;
  g_clear_pointer(&holder->operation, g_free);
  g_clear_pointer(&holder->holder, g_free);
  g_clear_pointer(&holder->since, g_free);
}

/* Valid UTF-8 without control characters, of limited length. */
static char *
sanitise(const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  g_autoptr(GString) clean = g_string_new(NULL);
  guint n = 0;
  for (const char *p = valid; *p != '\0' && n < HOLDER_MAX_CHARACTERS; p = g_utf8_next_char(p), n++) {
    gunichar character = g_utf8_get_char(p);
    g_string_append_unichar(clean, g_unichar_iscntrl(character) ? ' ' : character);
  }
  return g_string_free(g_steal_pointer(&clean), FALSE);
}

static char *
format_time(gint64 time_ms)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_ms / 1000);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

char *
lock_value_new(const char *operation, const char *holder, const char *database)
{
  gint64 now_ms = g_get_real_time() / 1000;
  g_autofree char *clean_operation = sanitise(operation);
  g_autofree char *clean_holder = sanitise(holder);
  g_autofree char *host = sanitise(g_get_host_name());
  g_autofree char *since = format_time(now_ms);
  json_t *root = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s*}", "operation", clean_operation, "holder", clean_holder,
                           "host", host, "pid", (int)getpid(), "since", since, "database", database);
  g_autofree char *json = json_to_text(root);
  g_autofree char *random = random_id_new(VALUE_RANDOM_BYTES);
  g_autoptr(GString) value = g_string_new(NULL);
  g_string_append_printf(value, "%" G_GINT64_FORMAT "-%s", now_ms, random);
  g_string_append_printf(value, " %s", json);
  json_decref(root);
  return g_string_free(g_steal_pointer(&value), FALSE);
}

static json_t *
parse_value(const char *value)
{
  const char *json = strnlen(value, VALUE_MAX_BYTES + 1) <= VALUE_MAX_BYTES ? strchr(value, ' ') : NULL;
  return json != NULL ? json_loads(json + 1, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* Another program may have written it: limited and cleaned again. */
static char *
string_member(const json_t *root, const char *name)
{
  const char *text = json_string_value(json_object_get(root, name));
  return text != NULL ? sanitise(text) : NULL;
}

void
lock_value_read(const char *value, BackupLockHolder *ret_holder)
{
  json_t *root = parse_value(value);
  ret_holder->is_held = TRUE;
  ret_holder->operation = string_member(root, "operation");
  ret_holder->holder = string_member(root, "holder");
  char *end = NULL;
  gint64 since_ms = g_ascii_strtoll(value, &end, 10);
  ret_holder->since = end != value && *end == '-' && since_ms > 0 ? format_time(since_ms) : NULL;
  if (ret_holder->holder == NULL && ret_holder->since != NULL && strchr(value, ' ') == NULL)
    ret_holder->holder = g_strdup("the hub"); /* the hub writes no JSON */
  json_decref(root);
}

guint32
lock_value_database_oid(const char *value, const char *database)
{
  json_t *root = parse_value(value);
  const char *named = json_string_value(json_object_get(root, "database"));
  const char *slash = database != NULL ? strrchr(database, '/') : NULL;
  guint64 oid = 0;
  if (named != NULL && slash != NULL && strncmp(named, database, (gsize)(slash + 1 - database)) == 0 &&
      !g_ascii_string_to_unsigned(named + (slash + 1 - database), 10, 1, G_MAXUINT32, &oid, NULL))
    oid = 0;
  json_decref(root);
  return (guint32)oid;
}

gboolean
lock_value_is_of_database(const char *value, const char *database)
{
  json_t *root = parse_value(value);
  const char *named = json_string_value(json_object_get(root, "database"));
  gboolean is_same = database != NULL && named != NULL && strcmp(named, database) == 0;
  json_decref(root);
  return is_same;
}

char *
lock_name_new(const char *operation, const char *holder)
{
  g_autofree char *clean = sanitise(holder);
  g_autoptr(GString) name = g_string_new(NAME_PREFIX);
  g_string_append_printf(name, "%s" NAME_SEPARATOR, operation);
  for (const char *p = clean; *p != '\0'; p = g_utf8_next_char(p)) {
    gsize size = (gsize)(g_utf8_next_char(p) - p);
    gboolean is_plain = size == 1 && *p != '%';
    if (name->len + (is_plain ? 1 : 3 * size) > LOCK_NAME_MAX_BYTES)
      break;
    for (gsize i = 0; i < size; i++)
      g_string_append_printf(name, is_plain ? "%c" : "%%%02X", (guchar)p[i]);
  }
  return g_string_free(g_steal_pointer(&name), FALSE);
}

gboolean
lock_name_read(const char *name, BackupLockHolder *ret_holder)
{
  if (!g_str_has_prefix(name, NAME_PREFIX))
    return FALSE;
  const char *operation = name + strlen(NAME_PREFIX);
  const char *separator = strstr(operation, NAME_SEPARATOR);
  if (separator == NULL)
    return FALSE;
  g_autofree char *holder = g_uri_unescape_string(separator + strlen(NAME_SEPARATOR), NULL);
  ret_holder->is_held = TRUE;
  ret_holder->operation = g_strndup(operation, (gsize)(separator - operation));
  ret_holder->holder = holder != NULL ? sanitise(holder) : NULL;
  return TRUE;
}
