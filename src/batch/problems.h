/* What is wrong with a batch: all of it at once, each with the place, a stable code and a text. */
#pragma once

#include "base/language.h"
#include "batch/field.h"

typedef struct {
  Language language;
  json_t *list; /* [{path, code, message}] */
} BatchProblems;

void batch_problems_clear(BatchProblems *problems);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchProblems, batch_problems_clear)

/* Nothing is added for a NULL code. After the hundredth only their number would grow, and is not kept. */
void batch_problems_add(BatchProblems *problems, const char *path, BatchProblem code, const BatchField *field);
gboolean batch_problems_any(const BatchProblems *problems);
