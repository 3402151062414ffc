/* Reads a price table: the models that may be stored, and the problems of the others.
 *
 * The format is detected. JSON: the internal table, which is LiteLLM's ({model: {…}}), or the hub's newer cloud
 * table (schema cchp.pricing-table/v1, see prices/format/cloud_table.h). TOML: [models."name"]. The rules are in
 * docs/prices.md.
 */
#pragma once

#include "base/exact/json_tree.h"
#include "prices/format/issue.h"

enum { PRICES_MAX_BYTES = 32 * 1024 * 1024 };

typedef enum { PRICE_FORMAT_JSON, PRICE_FORMAT_TOML, PRICE_FORMAT_CLOUD } PriceFormat;

typedef struct {
  char *name;       /* trimmed */
  const char *json; /* an object's text with its numbers as written; owned by the table */
  gsize size;
} PriceModel;

typedef struct {
  PriceFormat format;
  char *version;    /* of the file, if stated */
  GArray *models;   /* PriceModel: valid ones, by name */
  GArray *failed;   /* of PriceIssue */
  GArray *warnings; /* of PriceIssue */
  guint total;      /* models in the file, valid or not */
  char digest[65];  /* of the models' names and texts, in hexadecimal */
  GPtrArray *texts; /* the memory of the models' texts */
} PriceTable;

typedef enum {
  PRICE_ORIGIN_FILE, /* a file from a person, who can correct it */
  PRICE_ORIGIN_SYNC  /* the cloud's table: a null cost counts as absent, with a warning */
} PriceOrigin;

/* Errors for the whole file: PRICES_TOO_LARGE, PRICES_ENCODING, PRICES_TOO_DEEP; PRICES_FORMAT with line and column,
 * also for TOML that ends within a number or a word; PRICES_EMPTY if no model is valid. */
PriceTable *price_table_parse(const char *text, gsize size, PriceOrigin origin, GError **error);
/* The same without a copy: takes over a text that ends with a NUL, and frees it with g_free, also on failure. */
PriceTable *price_table_take(char *text, gsize size, PriceOrigin origin, GError **error);
void price_table_free(PriceTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PriceTable, price_table_free)

/* As json_tree_parse, with the errors of a table: PRICES_FORMAT, PRICES_TOO_DEEP. */
JsonTree *price_json_parse(const char *text, gsize size, GError **error);
