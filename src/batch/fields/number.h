/* Numbers of a field. */
#pragma once

#include "batch/fields/field.h"

/* The value of a decimal number, with the field's decimals ("10.50"); free with g_free. */
BatchProblem batch_number_value(const BatchField *field, const char *text, char **ret_value);
