/* Builds and prints a PriceReport, which apply.h describes. Private to prices/apply. */
#pragma once

#include "prices/apply/apply.h"

/* `table` may be NULL. */
PriceReport *price_report_new(const PriceTable *table, gboolean is_dry_run);

/* `old_source` NULL: the model is new. In the order of the names. */
void price_report_add_change(PriceReport *report, const char *model, const char *old_source);
/* The rows of changes.sql; adds warnings about costs that moved. */
gboolean price_report_add_fields(PriceReport *report, const PgResult *rows, GError **error);
/* Rows are taken in the order of the names' bytes; INTERNAL where the database has another, which only one whose
 * encoding is not UTF-8 can have. */
gboolean price_report_all_taken(const PgResult *rows, guint n_taken, GError **error);
void price_report_add_conflict(PriceReport *report, const char *model, const char *manual, const char *cloud,
                               gsize cloud_size);
/* Takes changes of models out of the report: of `updated`, `changes` and `warnings`. */
void price_report_take_out(PriceReport *report, GHashTable *models);
/* {name: [{"field", "code", "old", "new"}]} of what is held back beyond the limit; free with g_free. */
char *price_report_held_reasons(const PriceReport *report);
/* A JSON array of strings into names. */
gboolean price_report_read_names(GPtrArray *names, const char *json, GError **error);

/* What the audit keeps: the fields that changed, before and after, and what was removed. Free with g_free. */
char *price_report_before(const PriceReport *report);
char *price_report_after(const PriceReport *report);
