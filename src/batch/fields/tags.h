/* Tags: an array of up to 20 different, trimmed strings of 1 to 32 characters. */
#pragma once

#include "batch/fields/field.h"

BatchProblem batch_tags_check(const BatchField *field, const JsonTree *tags);
/* The tags' texts; free with g_strfreev. */
GStrv batch_tags_names(const JsonTree *tags);
/* Adds tags at the end of `before` (a value; NULL: none) and removes others. `add` and `remove` may be NULL. Returns
 * a problem if there are too many tags. */
BatchProblem batch_tags_change(const BatchField *field, const char *before, const char *const *add,
                               const char *const *remove, char **ret_value);
/* The tags as PostgreSQL prints jsonb; free with g_free. */
char *batch_tags_value(const JsonTree *tags);
