/* Parses the numbers of fields. */
#pragma once

#include "batch/fields/field.h"

/* The exact value with the field's decimals ("10.50"); free with g_free. Accepts PostgreSQL's numeric syntax: "+5",
 * ".5" and "5e-1", too. */
BatchProblem batch_number_value(const BatchField *field, const char *text, char **ret_value);
