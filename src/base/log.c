#include "base/log.h"

#include "base/json.h"

#include <string.h>
#include <unistd.h>

#define REPEAT_INTERVAL_US (60 * G_USEC_PER_SEC)

static gint current_level = LOG_INFO;
static gint current_format = LOG_FORMAT_LOGFMT;
static const char *const level_names[] = {"error", "warning", "info", "debug"};

void
log_set_level(LogLevel level)
{
  g_atomic_int_set(&current_level, (gint)level);
}

gboolean
log_level_parse(const char *name, LogLevel *ret_level)
{
  for (guint i = 0; i < G_N_ELEMENTS(level_names); i++) {
    if (g_ascii_strcasecmp(name, level_names[i]) == 0) {
      *ret_level = (LogLevel)i;
      return TRUE;
    }
  }
  return FALSE;
}

void
log_set_format(LogFormat format)
{
  g_atomic_int_set(&current_format, (gint)format);
}

gboolean
log_format_parse(const char *name, LogFormat *ret_format)
{
  gboolean is_json = g_ascii_strcasecmp(name, "json") == 0;
  if (!is_json && g_ascii_strcasecmp(name, "logfmt") != 0)
    return FALSE;
  *ret_format = is_json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT;
  return TRUE;
}

static gboolean
is_bare(const char *value)
{
  for (const char *p = value; *p != '\0'; p++) {
    if ((guchar)*p <= 0x20 || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f)
      return FALSE;
  }
  return *value != '\0';
}

/* `value` is UTF-8. */
static void
append_logfmt(GString *line, const char *key, const char *value)
{
  g_string_append_printf(line, "%s%s=", line->len > 0 ? " " : "", key);
  if (is_bare(value)) {
    g_string_append(line, value);
    return;
  }
  g_string_append_c(line, '"');
  for (const char *p = value; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf(line, "\\%c", *p);
    else if (*p == '\n')
      g_string_append(line, "\\n");
    else if (*p == '\r')
      g_string_append(line, "\\r");
    else if (*p == '\t')
      g_string_append(line, "\\t");
    else if ((guchar)*p < 0x20 || *p == 0x7f)
      g_string_append_printf(line, "\\u%04x", (guchar)*p);
    else
      g_string_append_c(line, *p);
  }
  g_string_append_c(line, '"');
}

static void
append_pair(GString *line, json_t *object, const char *key, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid(value, -1);
  if (object != NULL)
    json_object_set_new(object, key, json_string(valid));
  else
    append_logfmt(line, key, valid);
}

void
log_event(LogLevel level, const char *event, ...)
{
  if ((gint)level > g_atomic_int_get(&current_level))
    return;
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *time = g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
  g_autoptr(GString) line = g_string_new(NULL);
  g_autoptr(json_t) object = g_atomic_int_get(&current_format) == LOG_FORMAT_JSON ? json_object() : NULL;
  append_pair(line, object, "time", time);
  append_pair(line, object, "level", level_names[level]);
  append_pair(line, object, "event", event);
  va_list pairs;
  va_start(pairs, event);
  for (const char *key = va_arg(pairs, const char *); key != NULL; key = va_arg(pairs, const char *)) {
    const char *value = va_arg(pairs, const char *);
    if (value != NULL)
      append_pair(line, object, key, value);
  }
  va_end(pairs);
  if (object != NULL) {
    g_autofree char *text = json_to_text(object);
    g_string_append(line, text);
  }
  g_string_append_c(line, '\n');
  if (write(STDERR_FILENO, line->str, line->len) < 0)
    return; /* there is nowhere to report it */
}

gboolean
log_repeat_is_due(LogRepeat *repeat, guint *ret_count)
{
  gint64 now_us = g_get_monotonic_time();
  repeat->n_untold++;
  if (repeat->told_us != 0 && now_us - repeat->told_us < REPEAT_INTERVAL_US)
    return FALSE;
  *ret_count = repeat->n_untold;
  *repeat = (LogRepeat){.told_us = now_us};
  return TRUE;
}

void
log_repeat_end(LogRepeat *repeat)
{
  *repeat = (LogRepeat){0};
}
