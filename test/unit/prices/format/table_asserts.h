/* Parsing and assertions of price tables in tests. */
#pragma once

#include "prices/format/table.h"

/* Fails the test when the table is refused. */
PriceTable *parse_table(const char *text);

/* NULL when it is not among the valid ones. */
const PriceModel *find_model(const PriceTable *table, const char *name);

/* The model exists with exactly this text. */
void assert_model(const PriceTable *table, const char *name, const char *json);

/* The model is the only one that failed, with this code and field (NULL: none). */
void assert_failed(const PriceTable *table, const char *name, const char *code, const char *field);
