/* Reads a price table: the models that may be stored, and what is wrong with the others.
 *
 * The format is detected. JSON: the internal table, which is LiteLLM's ({model: {…}}), or the hub's newer cloud table
 * (schema cchp.pricing-table/v1, see prices/format/cloud_table.h). TOML: [models."name"]. docs/prices.md has the rules.
 */
#pragma once

#include "base/exact/json_tree.h"
#include "prices/format/issue.h"

enum { PRICES_MAX_BYTES = 32 * 1024 * 1024 };

typedef enum { PRICE_FORMAT_JSON, PRICE_FORMAT_TOML, PRICE_FORMAT_CLOUD } PriceFormat;

typedef struct {
  char *name;       /* trimmed */
  const char *json; /* an object's text, every number as it was written; in the table's memory */
  gsize size;
} PriceModel;

typedef struct {
  PriceFormat format;
  char *version;    /* of the file, if it says one */
  GArray *models;   /* of PriceModel: valid, by name */
  GArray *failed;   /* of PriceIssue */
  GArray *warnings; /* of PriceIssue */
  guint total;      /* models in the file, good or not */
  char digest[65];  /* of the models' names and texts, in hexadecimal */
  GPtrArray *texts; /* what the models' texts are part of */
} PriceTable;

typedef enum {
  PRICE_ORIGIN_FILE, /* a person's file, who can mend it */
  PRICE_ORIGIN_SYNC  /* the cloud's table: a cost that is null is taken for absent, with a warning */
} PriceOrigin;

/* Refuses the whole: PRICES_TOO_LARGE, PRICES_ENCODING, PRICES_TOO_DEEP; PRICES_FORMAT with line and column, also for
 * TOML that ends within a number or a word; PRICES_EMPTY when no model is valid. */
PriceTable *price_table_parse(const char *text, gsize size, PriceOrigin origin, GError **error);
void price_table_free(PriceTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PriceTable, price_table_free)

/* As json_tree_parse, with the errors of a table: PRICES_FORMAT, PRICES_TOO_DEEP. */
JsonTree *price_json_parse(const char *text, gsize size, GError **error);
