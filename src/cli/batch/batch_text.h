/* The output of `cch-data batch` for people. */
#pragma once

#include "base/json.h"
#include "base/language.h"

/* The combined result of several batches' dry runs. */
typedef struct {
  guint n_batches, n_rows, n_changed;
  json_t *fields;  /* as for one batch; see batch/rows/record.h */
  json_t *sample;  /* the first changed rows */
  json_t *refused; /* see batch/fields/problems.h */
} BatchSummary;

void batch_summary_clear(BatchSummary *summary);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BatchSummary, batch_summary_clear)

void batch_summary_add(BatchSummary *summary, const json_t *answer);
/* Free with g_free. */
char *batch_summary_text(const BatchSummary *summary, const char *entity, Language language);

/* "FILE: line 3, column rpm: must be …", one line per problem; free with g_free. */
char *batch_problems_text(const char *file, const json_t *problems);
/* "users 3 alice: reason", one line per row; free with g_free. */
char *batch_refused_text(const json_t *refused);
