/* Numbers of a field. */
#pragma once

#include "batch/fields/field.h"

/* The value of a number, exact, with the field's decimals ("10.50"); free with g_free. What PostgreSQL's numeric takes
 * is a number: "+5", ".5" and "5e-1", too. */
BatchProblem batch_number_value(const BatchField *field, const char *text, char **ret_value);
