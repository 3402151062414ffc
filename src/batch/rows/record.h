/* The record of a batch's changes: [{entity, id, name, changes: [{column, before, after}]}], with values as stored
 * (batch_rows_record), and its forms for people. */
#pragma once

#include "batch/fields/field.h"

/* [{entity, id, name, changes: [{field, before, after}]}], with values for JSON. */
json_t *batch_record_describe(const json_t *records);

/* Summarises the rows: [{entity, field, changed, before: [{value, count}], after: [{value, count}]}], at most ten
 * values each, the most frequent first. */
json_t *batch_record_summarize(const json_t *records);

/* One side ("before" or "after") of the changes: {changedCount, rows: [{entity, id, name, values: {field: value}}]}. */
json_t *batch_record_side(const json_t *records, const char *side);
