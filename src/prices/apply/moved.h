/* Detects suspicious changes of costs: more than tenfold, or to zero. Private to prices/apply. */
#pragma once

#include "prices/format/model.h"

/* Compares the old and new value of a field and its contents, and adds PRICE_MOVED_TENFOLD and PRICE_MOVED_TO_ZERO
 * to `warnings`. Both values are JSON as PostgreSQL writes it; NULL (absent) has not moved. */
void price_moved_check(GArray *warnings, const char *model, const char *field, const char *old, const char *new);

/* For a change that nobody reviews: adds PRICE_MOVED_BEYOND_LIMIT (by more than `factor`), PRICE_MOVED_TO_ZERO and
 * PRICE_MOVED_FROM_ZERO to `held`. A main price per token that is gone counts as zero. */
void price_moved_beyond(GArray *held, const char *model, const char *field, const char *old, const char *new,
                        guint factor);
