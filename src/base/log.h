/* Structured log lines on stderr, written at the edge only (http/, cli/, background threads); library code returns
 * errors.
 *
 * A line: time, level, event, key=value pairs, as logfmt. Never log a password, a token, a key or a DSN. Thread-safe;
 * a line is one write. */
#pragma once

#include <glib.h>

typedef enum { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

/* Lines above this level are dropped; LOG_INFO until set. */
void log_set_level(LogLevel level);
gboolean log_level_parse(const char *name, LogLevel *ret_level);

/* Pairs are key, value, …, NULL; a NULL value leaves the pair out. */
void log_event(LogLevel level, const char *event, ...) G_GNUC_NULL_TERMINATED;
