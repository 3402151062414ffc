#include "base/log.h"

#include <string.h>
#include <unistd.h>

static gint current_level = LOG_INFO;
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

static void
append_value(GString *line, const char *value)
{
  if (*value != '\0' && strpbrk(value, " \t\r\n\"=\\") == NULL) {
    g_string_append(line, value);
    return;
  }
  g_string_append_c(line, '"');
  for (const char *p = value; *p != '\0'; p++) {
    switch (*p) {
    case '"':
      g_string_append(line, "\\\"");
      break;
    case '\\':
      g_string_append(line, "\\\\");
      break;
    case '\n':
      g_string_append(line, "\\n");
      break;
    default:
      g_string_append_c(line, (guchar)*p < 0x20 ? ' ' : *p);
    }
  }
  g_string_append_c(line, '"');
}

void
log_event(LogLevel level, const char *event, ...)
{
  if ((gint)level > g_atomic_int_get(&current_level))
    return;
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
  g_autoptr(GString) line = g_string_new(NULL);
  g_string_append_printf(line, "%s.%03dZ level=%s event=%s", time, g_date_time_get_microsecond(now) / 1000,
                         level_names[level], event);
  va_list pairs;
  va_start(pairs, event);
  for (const char *key = va_arg(pairs, const char *); key != NULL; key = va_arg(pairs, const char *)) {
    const char *value = va_arg(pairs, const char *);
    if (value == NULL)
      continue;
    g_string_append_printf(line, " %s=", key);
    append_value(line, value);
  }
  va_end(pairs);
  g_string_append_c(line, '\n');
  if (write(STDERR_FILENO, line->str, line->len) < 0)
    return; /* nowhere left to say it */
}
