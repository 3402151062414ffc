/* Values that are JSON: of the types LIST and JSON. */
#pragma once

#include "batch/fields/field.h"

/* The value as PostgreSQL prints it as jsonb; free with g_free. */
BatchProblem batch_json_value(const BatchField *field, const json_t *json, char **ret_value);
