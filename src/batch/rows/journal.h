/* The changes of a batch as the JSON texts that are stored: for an undo, and for the audit log. Rows are written once,
 * as text: a thousand of them as a tree of values would cost more than changing them. */
#pragma once

#include "batch/rows/rows.h"

typedef struct {
  guint n_rows;
  /* What is complete but for its end. [{entity, id, name, changes: [{column, before, after}]}], with values as stored:
   * what an undo reverses, and batch/rows/record.h makes readable. */
  GString *changes;
  /* {rows: [{entity, id, name, values: {field: value}}], changedCount, group}, with values for JSON. */
  GString *before, *after;
} BatchJournal;

BatchJournal *batch_journal_new(void);
void batch_journal_free(BatchJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchJournal, batch_journal_free)

/* Adds the differing rows. */
void batch_journal_add(BatchJournal *journal, const BatchRows *rows);

/* Completes the texts; nothing can be added then. `group` becomes a part of `after`, unless it is NULL. */
void batch_journal_end(BatchJournal *journal, const char *group);
