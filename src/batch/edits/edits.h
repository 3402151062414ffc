/* Changes to many rows, each with its own values, from a file or a filter: possibly more than one batch can take.
 *
 * CSV has a header with `id` and the names of fields. Columns for people, as in exports, are ignored. An empty cell
 * leaves the value as it is; cells are parsed by batch_value_from_text(). JSON is an array of objects with an `id` and
 * fields as in a request's `updates`. Rows may be without fields, if all rows get the same values or are deleted.
 *
 * Everything is checked before anything is changed: batch_edits_parse(), then batch_edits_complete(). Then
 * batch_edits_next() splits the rows into batches. */
#pragma once

#include "batch/fields/request.h"
#include "pg/connection/connection.h"

typedef struct {
  gint64 id;
  gint64 owner_id; /* keys: the user's id, set by batch_edits_complete */
  guint place;     /* CSV: the line; JSON: the index of the element */
  GArray *values;  /* BatchValue */
  char *text;      /* the original */
} BatchEdit;

typedef struct {
  BatchEntity entity;
  gboolean is_json;
  char *header;      /* CSV: the original */
  GPtrArray *fields; /* const BatchField: the fields in the file */
  GPtrArray *edits;  /* BatchEdit */
} BatchEdits;

/* Detects the format from the first character. BATCH_FILE if the text cannot be parsed; REQUEST_PARAMETER for
 * invalid values, which `problems` lists by line and column. `widths` as in batch_request_from_json(). */
BatchEdits *batch_edits_parse(BatchEntity entity, const char *text, gsize size, GHashTable *widths,
                              BatchProblems *problems, GError **error);
/* Rows without values. */
BatchEdits *batch_edits_from_ids(BatchEntity entity, const GArray *ids);
void batch_edits_free(BatchEdits *edits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchEdits, batch_edits_free)

/* Checks that all rows exist (REQUEST_PARAMETER, and `problems`), and sorts them: by id; keys by user first. */
gboolean batch_edits_complete(BatchEdits *edits, PgConnection *connection, BatchProblems *problems, GError **error);

/* The end of the batch that begins at `from`. The keys of a user stay together, so that one can be enabled while
 * another is disabled. */
guint batch_edits_next(const BatchEdits *edits, guint from);

/* The request for the rows from `from` to `to`. `values` (GArray of BatchValue, copied) apply to all rows; NULL:
 * each row has its own. */
BatchRequest *batch_edits_request(const BatchEdits *edits, guint from, guint to, BatchAction action,
                                  const GArray *values, gboolean is_dry_run);

/* Writes a file of the rows for which `is_left` (gboolean, one per row) is set; it can be used as input again. */
GString *batch_edits_write(const BatchEdits *edits, const GArray *is_left);
