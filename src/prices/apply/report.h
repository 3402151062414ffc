/* Builds and prints a PriceReport, which apply.h describes. Private to prices/apply. */
#pragma once

#include "prices/apply/apply.h"

/* `table` may be NULL. */
PriceReport *price_report_new(const PriceTable *table, gboolean is_dry_run);

/* `old_source` NULL: a new model. Call in the order of the names. */
void price_report_add_change(PriceReport *report, const char *model, const char *old_source);
/* Adds the rows of changes.sql, and warnings about costs that moved. */
gboolean price_report_add_fields(PriceReport *report, const PgResult *rows, GError **error);
/* Rows must be in the order of the names' bytes. INTERNAL if the database sorts otherwise, which is only possible if
 * its encoding is not UTF-8. */
gboolean price_report_all_taken(const PgResult *rows, guint n_taken, GError **error);
void price_report_add_conflict(PriceReport *report, const char *model, const char *manual, const char *cloud,
                               gsize cloud_size);
/* Removes models from the report: from `updated`, `changes` and `warnings`. */
void price_report_take_out(PriceReport *report, GHashTable *models);
/* {name: [{"field", "code", "old", "new"}]} of the changes held back; free with g_free. */
char *price_report_held_reasons(const PriceReport *report);
/* Reads a JSON array of strings into names. */
gboolean price_report_read_names(GPtrArray *names, const char *json, GError **error);

/* For the audit log: the changed fields, before and after, and the removed models. Free with g_free. */
char *price_report_before(const PriceReport *report);
char *price_report_after(const PriceReport *report);
