/* The changes of a batch as the JSON texts that are stored: for an undo, and for the audit log. Rows are written once,
 * as text: a thousand of them as a tree of values would cost more than changing them. */
#pragma once

#include "batch/rows/rows.h"

typedef struct {
  guint n_rows;
  GString *changes, *before, *after; /* elements of arrays */
} BatchJournal;

BatchJournal *batch_journal_new(void);
void batch_journal_free(BatchJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchJournal, batch_journal_free)

/* Adds the differing rows. */
void batch_journal_add(BatchJournal *journal, const BatchRows *rows);

/* [{entity, id, name, changes: [{column, before, after}]}], with values as stored: what an undo reverses, and
 * batch/rows/record.h makes readable. Free with g_free. */
char *batch_journal_changes(const BatchJournal *journal);
/* {changedCount, rows: [{entity, id, name, values: {field: value}}], group}, with values for JSON, before or after
 * the changes. `group` may be NULL. Free with g_free. */
char *batch_journal_before(const BatchJournal *journal);
char *batch_journal_after(const BatchJournal *journal, const char *group);
