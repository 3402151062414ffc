/* Collects all problems of a batch: invalid values, each with its position, a stable code and a text, and rows that
 * a rule refuses. */
#pragma once

#include "base/error.h"
#include "base/language.h"
#include "batch/fields/field.h"

typedef struct {
  Language language;
  json_t *list;    /* [{path, code, message}] */
  json_t *refused; /* [{entity, id, name?, errorCode, message}] */
  ErrorCode first_refusal;
  guint max; /* maximum length of `list`; 0: 100 */
} BatchProblems;

void batch_problems_clear(BatchProblems *problems);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchProblems, batch_problems_clear)

/* Adds a problem. Does nothing for a NULL code, or after `max` problems. */
void batch_problems_add(BatchProblems *problems, const char *path, BatchProblem code, const BatchField *field);
/* The same, with the given value at the end of the text. */
void batch_problems_add_given(BatchProblems *problems, const char *path, BatchProblem code, const JsonTree *given);
gboolean batch_problems_any(const BatchProblems *problems);

/* Adds a row that a rule refuses; `name` may be NULL. */
void batch_problems_refuse(BatchProblems *problems, ErrorCode code, BatchEntity entity, gint64 id, const char *name);
/* If rows were refused, FALSE and the first refusal's error, which names the rows. */
gboolean batch_problems_none_refused(const BatchProblems *problems, GError **error);
