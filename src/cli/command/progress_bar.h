/* Progress for people: on a terminal one line that is drawn over and over, with a bar, rows, bytes, speed and time
 * left; in a pipe nothing but the messages, a line each. Goes to standard error, so that standard output can carry
 * data. */
#pragma once

#include <glib.h>

typedef struct ProgressBar ProgressBar;

typedef struct {
  const char *label; /* what is worked on; may be NULL */
  double percent;    /* below 0: unknown, no bar and no time left */
  guint64 rows;      /* 0: not shown */
  guint64 bytes;
} ProgressState;

ProgressBar *progress_bar_new(void);
void progress_bar_update(ProgressBar *bar, const ProgressState *state);
/* A line of its own above the bar. */
void progress_bar_message(ProgressBar *bar, const char *message);
/* Removes the bar. */
void progress_bar_free(ProgressBar *bar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProgressBar, progress_bar_free)
