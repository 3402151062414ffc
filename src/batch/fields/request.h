/* A requested batch: its rows and their new values. */
#pragma once

#include "batch/fields/problems.h"

#define BATCH_MAX_ROWS 500

typedef enum { BATCH_UPDATE, BATCH_DELETE } BatchAction;

/* A new value of one field. For tags, it may be the tags to add and to remove. */
typedef struct {
  const BatchField *field;
  char *value;
  gboolean is_change; /* tags: `add` and `remove` apply, not `value` */
  GStrv add, remove;
} BatchValue;

/* Parses a value of a request's `updates`; problems are noted at `path`. */
void batch_value_read(const BatchField *field, const JsonTree *given, const char *path, GHashTable *widths,
                      BatchProblems *problems, BatchValue *ret_value);
/* Frees the contents. */
void batch_value_clear(BatchValue *value);
BatchValue batch_value_copy(const BatchValue *value);
/* An array of BatchValue that clears its elements. */
GArray *batch_values_new(void);

typedef struct {
  BatchEntity entity;
  BatchAction action;
  gboolean is_dry_run;
  GArray *ids;       /* gint64, sorted, unique */
  GPtrArray *fields; /* const BatchField: fields that at least one row sets */
  gboolean is_per_row;
  /* One set of values (GArray of BatchValue) for all rows; with `is_per_row`, one for each id. */
  GPtrArray *values;
} BatchRequest;

/* A request without ids and values, to be filled by batch_request_add_row() and batch_request_add_value(). */
BatchRequest *batch_request_new(BatchEntity entity, BatchAction action);

void batch_request_free(BatchRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchRequest, batch_request_free)

/* Parses {"<ids_name>": [1, 2], "updates": {field: value, …}, "dryRun": false}; a delete has no updates. `widths`
 * has the columns' widths (batch_read_widths). NULL with BATCH_* or REQUEST_PARAMETER; `problems` then has the
 * details. */
BatchRequest *batch_request_from_json(BatchEntity entity, BatchAction action, const JsonTree *body, GHashTable *widths,
                                      BatchProblems *problems, GError **error);
/* Adds a row with its own values, none at first. Ids must be unique and ascending. */
GArray *batch_request_add_row(BatchRequest *request, gint64 id);
/* Adds a value to a row, or to all rows; takes ownership of the contents of `value`. */
void batch_request_add_value(BatchRequest *request, GArray *values, const BatchValue *value);
