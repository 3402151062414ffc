/* Many rows to be changed, each with values of its own, as a file or a filter names them: more than one batch can take.
 *
 * CSV has a header with `id` and the names of fields; columns for people, as exports have them, are passed over. An
 * empty cell leaves the value as it is; cells are read by batch_value_from_text(). JSON is an array of objects with an
 * `id` and fields, as a request has them in `updates`. Any row may be without fields, where all shall get the same
 * values, or be deleted.
 *
 * Everything is checked before anything is done: batch_edits_parse(), then batch_edits_complete(); then
 * batch_edits_next() cuts it into batches. */
#pragma once

#include "batch/fields/request.h"
#include "pg/connection/connection.h"

typedef struct {
  gint64 id;
  gint64 owner_id; /* keys: the user's, once complete */
  guint place;     /* CSV: the line, JSON: the element */
  GArray *values;  /* BatchValue */
  char *text;      /* as it came */
} BatchEdit;

typedef struct {
  BatchEntity entity;
  gboolean is_json;
  char *header;      /* CSV: as it came */
  GPtrArray *fields; /* const BatchField: those that the file has */
  GPtrArray *edits;  /* BatchEdit */
} BatchEdits;

/* What the text is shows at its first character. BATCH_FILE where it cannot be read, REQUEST_PARAMETER where values are
 * wrong: `problems` says which, by line and column. `widths` as for batch_request_from_json(). */
BatchEdits *batch_edits_parse(BatchEntity entity, const char *text, gsize size, GHashTable *widths,
                              BatchProblems *problems, GError **error);
/* Rows without values. */
BatchEdits *batch_edits_from_ids(BatchEntity entity, const GArray *ids);
void batch_edits_free(BatchEdits *edits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchEdits, batch_edits_free)

/* Sees that all rows are there (REQUEST_PARAMETER, and `problems`), and sorts them: by id, and keys by their user
 * first. */
gboolean batch_edits_complete(BatchEdits *edits, PgConnection *connection, BatchProblems *problems, GError **error);

/* Where the batch that begins at `from` ends. The keys of a user stay together, so that one can be enabled for another
 * that is disabled. */
guint batch_edits_next(const BatchEdits *edits, guint from);

/* The request for such a stretch. `values` (GArray of BatchValue, copied) are for all rows; NULL: each has its own. */
BatchRequest *batch_edits_request(const BatchEdits *edits, guint from, guint to, BatchAction action,
                                  const GArray *values, gboolean is_dry_run);

/* A file of the rows for which `is_left` (gboolean, one for each) is set, which can be given again. */
GString *batch_edits_write(const BatchEdits *edits, const GArray *is_left);
