/* The record of what a batch changed: [{entity, id, name, changes: [{column, before, after}]}], with values as they
 * are stored (batch_rows_record); and what people are shown of it. */
#pragma once

#include "batch/fields/field.h"

/* [{entity, id, name, changes: [{field, before, after}]}], with values for JSON. */
json_t *batch_record_describe(const json_t *records);

/* What the rows have in common and what not: [{entity, field, changed, before: [{value, count}], after: [{value,
 * count}]}], the most frequent values first, ten at most of each. */
json_t *batch_record_summarize(const json_t *records);

/* {changedCount, rows: [{entity, id, name, values: {field: value}}]} of one side, "before" or "after". */
json_t *batch_record_side(const json_t *records, const char *side);
