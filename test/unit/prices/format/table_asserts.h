/* Price tables in tests: parsed, and looked into. */
#pragma once

#include "prices/format/table.h"

/* Fails the test on a table that is refused. */
PriceTable *parse_table(const char *text);

/* NULL when it is not among the valid ones. */
const PriceModel *find_model(const PriceTable *table, const char *name);

/* The model is there, word for word. */
void assert_model(const PriceTable *table, const char *name, const char *json);

/* The model is the only one that failed: by this code, for this field (NULL: none). */
void assert_failed(const PriceTable *table, const char *name, const char *code, const char *field);
