/* The hub's newer cloud table, cchp.pricing-table/v1, turned into the models that the hub itself (v0.9) makes of it:
 * what is charged per million tokens becomes per token, by moving the decimal point, with twelve digits. docs/prices.md
 * says which charge becomes which field, and where the hub's own result differs. */
#pragma once

#include "base/exact/json_tree.h"

#define CLOUD_TABLE_SCHEMA "cchp.pricing-table/v1"

typedef struct {
  char *name;           /* NULL: has none */
  char *json;           /* NULL: nothing in it can be billed */
  gboolean is_official; /* it has an official variant */
  gboolean has_vendor;  /* and one that is not "other" */
  guint n_variants;
  gboolean has_other_currency; /* charges that were left out */
  char **aliases;              /* NULL-terminated, may be NULL */
} CloudModel;

void cloud_model_clear(CloudModel *model);

/* `providers` (may be NULL) is the table's member of that name. FALSE when it is no model: `ret_model` then holds what
 * name there is. */
gboolean cloud_model_read(const JsonTree *entry, const JsonTree *providers, CloudModel *ret_model);

/* Whether `a` is to be taken when two entries have one name: the official one, then the one with a vendor, then the one
 * with more variants, then the first. */
gboolean cloud_model_beats(const CloudModel *a, const CloudModel *b);
