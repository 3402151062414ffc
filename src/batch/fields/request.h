/* A batch as requested: its rows and their new values. */
#pragma once

#include "batch/fields/problems.h"

#define BATCH_MAX_ROWS 500

typedef enum { BATCH_UPDATE, BATCH_DELETE } BatchAction;

/* A new value of one field. Tags may be given as what to add and what to remove instead. */
typedef struct {
  const BatchField *field;
  char *value;
  gboolean is_change; /* tags: `add` and `remove` count, not `value` */
  GStrv add, remove;
} BatchValue;

/* What `given` asks for, as a request has it in `updates`; what is wrong is noted at `path`. */
void batch_value_read(const BatchField *field, const JsonTree *given, const char *path, GHashTable *widths,
                      BatchProblems *problems, BatchValue *ret_value);
/* Frees what the value has. */
void batch_value_clear(BatchValue *value);
BatchValue batch_value_copy(const BatchValue *value);
/* An array of BatchValue that frees what they have. */
GArray *batch_values_new(void);

typedef struct {
  BatchEntity entity;
  BatchAction action;
  gboolean is_dry_run;
  GArray *ids;       /* gint64, sorted, each once */
  GPtrArray *fields; /* const BatchField: those that any row sets */
  gboolean is_per_row;
  /* One set of values (GArray of BatchValue) for all rows, or with `is_per_row` one for each of the ids. */
  GPtrArray *values;
} BatchRequest;

/* One without ids and values, to be filled: batch_request_add_row(), batch_request_add_value(). */
BatchRequest *batch_request_new(BatchEntity entity, BatchAction action);

void batch_request_free(BatchRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchRequest, batch_request_free)

/* From {"<ids_name>": [1, 2], "updates": {field: value, …}, "dryRun": false}; a delete has no updates. `widths` has the
 * columns' widths (batch_read_widths). NULL with the error BATCH_* or REQUEST_PARAMETER, and then `problems` says what
 * is wrong where. */
BatchRequest *batch_request_from_json(BatchEntity entity, BatchAction action, const JsonTree *body, GHashTable *widths,
                                      BatchProblems *problems, GError **error);
/* A row with values of its own: none, to begin with. Each id is there once, and they come in ascending order. */
GArray *batch_request_add_row(BatchRequest *request, gint64 id);
/* Another value of a row, or of all; takes over what `value` has. */
void batch_request_add_value(BatchRequest *request, GArray *values, const BatchValue *value);
