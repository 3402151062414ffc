/* Tags: an array of up to 20 different, trimmed strings of 1 to 32 characters. */
#pragma once

#include "batch/fields/field.h"

BatchProblem batch_tags_check(const BatchField *field, const json_t *tags);
/* The tags of `before` (a value; NULL: none) with some added at the end and some removed. `add` and `remove` may be
 * NULL. NULL with a problem when there would be too many. */
BatchProblem batch_tags_change(const BatchField *field, const char *before, const json_t *add, const json_t *remove,
                               char **ret_value);
/* In the form in which PostgreSQL prints jsonb. */
char *batch_tags_value(const json_t *tags);
