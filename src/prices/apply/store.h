/* The prices of single models: listed, read, set by hand, deleted, pinned, exported. What is set or pinned becomes the
 * model's one row, source manual. Every change is one transaction with its audit row, and waits for the others of
 * prices/apply/apply.h. Results are JSON text, whose numbers are what is stored; free it with g_free. */
#pragma once

#include "base/exact/json_tree.h"
#include "base/language.h"
#include "pg/connection/connection.h"

typedef struct {
  const char *search, *source, *provider, *vendor, *mode; /* NULL: any */
  const char *sort, *order;                               /* NULL: updatedAt, desc */
  guint page, page_size;                                  /* from 1 */
} PriceFilter;

/* The names that PriceFilter.sort takes; NULL-terminated. */
extern const char *const price_sorts[];

/* `ret_items` is an array of {id, modelName, priceData, source, createdAt, updatedAt}. */
gboolean price_list(PgConnection *connection, const PriceFilter *filter, char **ret_items, guint64 *ret_total,
                    GError **error);

/* {"total", "sources", "providers", "vendors", "modes"}, each a list of {"value", "count"}: what there is to filter by.
 */
char *price_facets(PgConnection *connection, GError **error);

/* The current price; PRICES_NOT_FOUND. */
char *price_get(PgConnection *connection, const char *name, GError **error);

typedef struct {
  const char *operator_name, *operator_ip;
  guint lock_wait_s;
  gboolean is_dry_run; /* does everything and takes it back */
  Language language;   /* of the reason in PRICES_MODEL */
} PriceEditor;

/* Sets the fields that the object names (a null takes the field away) and keeps the others; makes the model if there is
 * none. `ret_before` (may be NULL) is what there was, or NULL. PRICES_MODEL when the result is not valid. */
char *price_set(PgConnection *connection, const char *name, const JsonTree *fields, const PriceEditor *editor,
                char **ret_before, GError **error);

/* All of them or, where one is missing and must exist, none: PRICES_NOT_FOUND. `names` ends with NULL. */
gboolean price_delete(PgConnection *connection, const char *const *names, gboolean must_exist,
                      const PriceEditor *editor, GError **error);

/* Makes one provider's prices out of the cloud's row the manual price; PRICES_NOT_FOUND. */
char *price_pin(PgConnection *connection, const char *name, const char *provider_key, const PriceEditor *editor,
                GError **error);

typedef enum { PRICE_EXPORT_JSON, PRICE_EXPORT_TOML } PriceExportFormat;

/* A file that gives the very same table when it is uploaded. `source` as in sql/export.sql. PRICES_NO_TOML for values
 * that TOML does not know. */
char *price_export(PgConnection *connection, PriceExportFormat format, const char *source, GError **error);
