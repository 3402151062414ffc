/* Prices for people on a terminal. */
#pragma once

#include "prices/apply.h"
#include "prices/tree.h"

/* What changed, or would: a line a model, the fields of a dry run below it as a diff, then the counts. Free with
 * g_free. */
char *price_report_to_text(const PriceReport *report, Language language);

/* Items of price_list as a table; free with g_free. */
char *price_items_to_text(const Tree *items);
