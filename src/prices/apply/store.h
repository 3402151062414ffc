/* The prices of single models: list, read, set by hand, delete, pin, export.
 *
 * A price that is set or pinned becomes the model's only row, source manual. Every change is one transaction with
 * its audit row, and waits for other writers (prices/apply/apply.h). Results are JSON text with the stored numbers;
 * free it with g_free. */
#pragma once

#include "base/exact/json_tree.h"
#include "base/language.h"
#include "pg/connection/connection.h"

typedef struct {
  const char *search, *source, *provider, *vendor, *mode; /* NULL: any */
  const char *sort, *order;                               /* NULL: updatedAt, desc */
  guint page, page_size;                                  /* from 1 */
} PriceFilter;

/* The names that PriceFilter.sort accepts; NULL-terminated. */
extern const char *const price_sorts[];

/* `ret_items` is an array of {id, modelName, priceData, source, createdAt, updatedAt}. */
gboolean price_list(PgConnection *connection, const PriceFilter *filter, char **ret_items, guint64 *ret_total,
                    GError **error);

/* {"total", "sources", "providers", "vendors", "modes"}, each a list of {"value", "count"}: the possible values of
 * filters.
 */
char *price_facets(PgConnection *connection, GError **error);

/* The current price; PRICES_NOT_FOUND. */
char *price_get(PgConnection *connection, const char *name, GError **error);

typedef struct {
  const char *operator_name, *operator_ip;
  guint lock_wait_s;
  gboolean is_dry_run; /* does everything and rolls back */
  Language language;   /* of the reason in PRICES_MODEL */
} PriceEditor;

/* Sets the fields that the object names (a null removes the field) and keeps the others; creates the model if there
 * is none. `ret_before` (may be NULL) is the old price, or NULL. PRICES_MODEL if the result is invalid. */
char *price_set(PgConnection *connection, const char *name, const JsonTree *fields, const PriceEditor *editor,
                char **ret_before, GError **error);

/* Deletes all of them; none if one is missing and must exist: PRICES_NOT_FOUND. `names` ends with NULL. */
gboolean price_delete(PgConnection *connection, const char *const *names, gboolean must_exist,
                      const PriceEditor *editor, GError **error);

/* Makes a provider's prices in the cloud's row the manual price; PRICES_NOT_FOUND. */
char *price_pin(PgConnection *connection, const char *name, const char *provider_key, const PriceEditor *editor,
                GError **error);

typedef enum { PRICE_EXPORT_JSON, PRICE_EXPORT_TOML } PriceExportFormat;

/* A file that gives exactly the same table when it is uploaded. `source` as in sql/export.sql. PRICES_NO_TOML for
 * values that TOML cannot express. */
char *price_export(PgConnection *connection, PriceExportFormat format, const char *source, GError **error);
