/* The output of `cch-data prices` for people. */
#pragma once

#include "base/exact/json_tree.h"
#include "prices/apply/apply.h"

/* Actual or possible changes: one line per model, the fields of a dry run below it as a diff, then the counts. Free
 * with g_free. */
char *price_report_to_text(const PriceReport *report, Language language);

/* The items of price_list as a table; free with g_free. */
char *price_items_to_text(const JsonTree *items);

/* The dry run of a single edit: the model, and the changed fields. Both are items of price_list; `before` is NULL
 * for a new model. Free with g_free. */
char *price_edit_to_text(const JsonTree *before, const JsonTree *after, Language language);

/* "- name", one per line, or {"member": [names], "dryRun": …}; `names` ends with NULL. Free with g_free. */
char *price_names_to_text(const char *sign, char **names, gboolean is_dry_run, Language language);
char *price_names_to_json(const char *member, char **names, gboolean is_dry_run);

/* The items of price_held_list: one line per model, with the moved fields below it; free with g_free. */
char *price_held_to_text(const JsonTree *items, Language language);
