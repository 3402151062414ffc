/* A progress bar on standard error. On a terminal, one line is redrawn with a bar, rows, bytes, speed and time left.
 * Elsewhere only the messages are written, one per line. */
#pragma once

#include <glib.h>

typedef struct ProgressBar ProgressBar;

typedef struct {
  const char *label; /* what is in progress; may be NULL */
  double percent;    /* negative: unknown, without bar and time left */
  guint64 rows;      /* 0: not shown */
  guint64 bytes;
} ProgressState;

ProgressBar *progress_bar_new(void);
void progress_bar_update(ProgressBar *bar, const ProgressState *state);
/* Prints a message above the bar. */
void progress_bar_message(ProgressBar *bar, const char *message);
/* Removes the bar. */
void progress_bar_free(ProgressBar *bar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProgressBar, progress_bar_free)
