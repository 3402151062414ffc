/* Values of the types LIST and JSON. */
#pragma once

#include "batch/fields/field.h"

/* The value as PostgreSQL prints jsonb; free with g_free. Numbers stay exact; a number that decimal_parse() does not
 * accept is refused. */
BatchProblem batch_json_value(const BatchField *field, const JsonTree *json, char **ret_value);
/* A stored value. If it contains a number other than a 64-bit integer, it is a JSON string of the text, because
 * jansson, like most JSON parsers, would round the number. */
json_t *batch_json_shown(const char *value);
