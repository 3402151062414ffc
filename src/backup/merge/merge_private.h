/* What the modules of a merge share among themselves. */
#pragma once

#include "backup/merge/merge.h"

typedef struct {
  char *sequence; /* as regclass reads it */
  gint64 value;
  gboolean is_called;
} NotedSequence;

struct MergeState {
  GPtrArray *put_back;  /* statements that undo what was switched off, last first */
  GArray *sequences;    /* NotedSequence */
  GPtrArray *conflicts; /* with ON_CONFLICT_FAIL: a sentence for each table with rows that differ */
};

/* Runs a statement that takes a strong lock, and remembers the one that takes it back. */
gboolean merge_switch_off(Restore *restore, const char *off, const char *put_back, GError **error);
