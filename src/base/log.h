/* Structured log lines on stderr, written at the edge only (http/, cli/, background threads); library code returns
 * errors.
 *
 * A line: time, level, event, then the pairs, as logfmt (key=value, quoted where it has to be) or as one JSON object.
 * Never log a password, a token, a key or a DSN. Thread-safe; a line is one write.
 */
#pragma once

#include <glib.h>

typedef enum { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

/* Lines above this level are dropped; LOG_INFO until set. */
void log_set_level(LogLevel level);
typedef enum { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON } LogFormat;

/* LOG_FORMAT_LOGFMT until set. */
void log_set_format(LogFormat format);
gboolean log_format_parse(const char *name, LogFormat *ret_format);
gboolean log_level_parse(const char *name, LogLevel *ret_level);

/* Pairs are key, value, …, NULL; a NULL value leaves the pair out. */
void log_event(LogLevel level, const char *event, ...) G_GNUC_NULL_TERMINATED;

/* Something that lasts, and is told once and then every minute with a count. */
typedef struct {
  gint64 told_us; /* 0: not yet */
  guint n_untold;
} LogRepeat;

/* TRUE when it is to be told now; `ret_count` is then how often it has happened since it was told last, this time
 * included. */
gboolean log_repeat_is_due(LogRepeat *repeat, guint *ret_count);
/* It is over: the next time is the first again. */
void log_repeat_end(LogRepeat *repeat);
