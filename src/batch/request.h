/* A batch as it was asked for: which rows, and what shall become of them. */
#pragma once

#include "batch/problems.h"

#define BATCH_MAX_ROWS 500

typedef enum { BATCH_UPDATE, BATCH_DELETE } BatchAction;

/* A new value of one field. Tags may be given as what to add and what to remove instead. */
typedef struct {
  const BatchField *field;
  char *value;
  gboolean is_change; /* tags: `add` and `remove` count, not `value` */
  json_t *add, *remove;
} BatchValue;

typedef struct {
  BatchEntity entity;
  BatchAction action;
  gboolean is_dry_run;
  GArray *ids;       /* gint64, sorted, each once */
  GPtrArray *fields; /* const BatchField: those that any row sets */
  /* One set of values (GArray of BatchValue) for all rows, or one for each of the ids. */
  GPtrArray *values;
} BatchRequest;

void batch_request_free(BatchRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchRequest, batch_request_free)

/* From {"<ids_name>": [1, 2], "updates": {field: value, …}, "dryRun": false}; a delete has no updates. `widths` has the
 * columns' widths (batch_read_widths). NULL with the error BATCH_* or REQUEST_PARAMETER, and then `problems` says what
 * is wrong where. */
BatchRequest *batch_request_from_json(BatchEntity entity, BatchAction action, const json_t *body, GHashTable *widths,
                                      BatchProblems *problems, GError **error);
/* "userIds", "keyIds", "providerIds". */
const char *batch_ids_name(BatchEntity entity);
