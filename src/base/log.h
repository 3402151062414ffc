/* Structured log lines on stderr. Only the edge logs (http/, cli/, background threads); library code returns errors.
 *
 * A line has time, level, event, then the pairs, as logfmt (key=value, quoted if necessary) or as one JSON object.
 * Never log a password, a token, a key or a DSN. Thread-safe; each line is one write.
 */
#pragma once

#include <glib.h>

typedef enum { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

/* Lines above this level are dropped; LOG_INFO by default. */
void log_set_level(LogLevel level);
typedef enum { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON } LogFormat;

/* LOG_FORMAT_LOGFMT by default. */
void log_set_format(LogFormat format);
gboolean log_format_parse(const char *name, LogFormat *ret_format);
gboolean log_level_parse(const char *name, LogLevel *ret_level);

/* Pairs are key, value, …, NULL; a NULL value omits its pair. */
void log_event(LogLevel level, const char *event, ...) G_GNUC_NULL_TERMINATED;

/* A lasting condition, logged once and then every minute with a count. */
typedef struct {
  gint64 told_us; /* 0: never */
  guint n_untold;
} LogRepeat;

/* TRUE if it should be logged now; `ret_count` is then the number of occurrences since the last time, this one
 * included. */
gboolean log_repeat_is_due(LogRepeat *repeat, guint *ret_count);
/* The condition is over: its next occurrence counts as the first. */
void log_repeat_end(LogRepeat *repeat);
