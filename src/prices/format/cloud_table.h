/* Converts the hub's newer cloud table, cchp.pricing-table/v1, to the models that the hub itself (v0.9) derives from
 * it. Charges per million tokens become costs per token by moving the decimal point, with twelve digits.
 * docs/prices.md lists charges and fields, and the differences from the hub's own result. */
#pragma once

#include "base/exact/json_tree.h"

#define CLOUD_TABLE_SCHEMA "cchp.pricing-table/v1"

typedef struct {
  char *name;           /* NULL: it has none */
  char *json;           /* NULL: nothing in it is billable */
  gboolean is_official; /* it has an official variant */
  gboolean has_vendor;  /* it has a vendor other than "other" */
  guint n_variants;
  gboolean has_other_currency; /* charges that were left out */
  char **aliases;              /* NULL-terminated, may be NULL */
} CloudModel;

void cloud_model_clear(CloudModel *model);

/* `providers` (may be NULL) is the table's member of that name. FALSE if the entry is not a model: `ret_model` then
 * has its name, if any. */
gboolean cloud_model_read(const JsonTree *entry, const JsonTree *providers, CloudModel *ret_model);

/* Which of two entries with one name is used: the official one, then the one with a vendor, then the one with more
 * variants, then the first. TRUE for `a`. */
gboolean cloud_model_beats(const CloudModel *a, const CloudModel *b);
