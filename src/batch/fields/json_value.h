/* Values that are JSON: of the types LIST and JSON. */
#pragma once

#include "batch/fields/field.h"

/* The value as PostgreSQL prints it as jsonb; free with g_free. Numbers stay exact; one that decimal_parse() does not
 * take is refused. */
BatchProblem batch_json_value(const BatchField *field, const JsonTree *json, char **ret_value);
/* A stored value. One with a number other than an integer of 64 bits is a JSON string of the text, because jansson, as
 * most readers of JSON, would round it. */
json_t *batch_json_shown(const char *value);
