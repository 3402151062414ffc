/* Forms for people of the record of a batch's changes: [{entity, id, name, changes: [{column, before, after}]}], with
 * values as stored (batch_journal_changes). */
#pragma once

#include "batch/fields/field.h"

/* [{entity, id, name, changes: [{field, before, after}]}], with values for JSON. */
json_t *batch_record_describe(const json_t *records);

/* Summarises the rows: [{entity, field, changed, before: [{value, count}], after: [{value, count}]}], at most ten
 * values each, the most frequent first. */
json_t *batch_record_summarize(const json_t *records);
