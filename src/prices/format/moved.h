/* Costs that move suspiciously: more than tenfold, or to zero. */
#pragma once

#include "prices/format/issue.h"

/* Compares a field's old and new value, and what lies in them, and adds PRICE_MOVED_TENFOLD and PRICE_MOVED_TO_ZERO to
 * `warnings`. Both are JSON as PostgreSQL writes it; NULL (not there) has not moved. */
void price_moved_check(GArray *warnings, const char *model, const char *field, const char *old, const char *new);
