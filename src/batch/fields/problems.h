/* Everything that is wrong with a batch, collected: bad values, each with its place, a stable code and a text, and rows
 * that a rule refuses. */
#pragma once

#include "base/error.h"
#include "base/language.h"
#include "batch/fields/field.h"

typedef struct {
  Language language;
  json_t *list;    /* [{path, code, message}] */
  json_t *refused; /* [{entity, id, name?, errorCode, message}] */
  ErrorCode first_refusal;
  guint max; /* of `list`; 0: 100 */
} BatchProblems;

void batch_problems_clear(BatchProblems *problems);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchProblems, batch_problems_clear)

/* Nothing is added for a NULL code, and none after `max`. */
void batch_problems_add(BatchProblems *problems, const char *path, BatchProblem code, const BatchField *field);
/* The same, and the text ends with what was given. */
void batch_problems_add_given(BatchProblems *problems, const char *path, BatchProblem code, const JsonTree *given);
gboolean batch_problems_any(const BatchProblems *problems);

/* A row is in the way; `name` may be NULL. */
void batch_problems_refuse(BatchProblems *problems, ErrorCode code, BatchEntity entity, gint64 id, const char *name);
/* FALSE and the first refusal's error, which names the rows, when there are any. */
gboolean batch_problems_none_refused(const BatchProblems *problems, GError **error);
