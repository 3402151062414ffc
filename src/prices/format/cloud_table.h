/* The hub's newer cloud table, cchp.pricing-table/v1, turned into models as the internal format has them: what is
 * charged per million tokens becomes per token, by moving the decimal point. docs/prices.md says which charge becomes
 * which field. */
#pragma once

#include "base/json_tree.h"

#define CLOUD_TABLE_SCHEMA "cchp.pricing-table/v1"

typedef struct {
  char *name; /* NULL: has none */
  char *json; /* NULL: nothing in it can be billed */
  gboolean is_official;
  gboolean has_vendor; /* and one that is not "other" */
  guint n_variants;
  gboolean has_other_currency; /* charges that were left out */
  char **aliases;              /* NULL-terminated, may be NULL */
} CloudModel;

void cloud_model_clear(CloudModel *model);

/* FALSE when it is no model: `ret_model` then holds what name there is. */
gboolean cloud_model_read(const JsonTree *entry, CloudModel *ret_model);

/* Whether `a` is to be taken when two entries have one name: the official one, then the one with a vendor, then the one
 * with more variants, then the first. */
gboolean cloud_model_beats(const CloudModel *a, const CloudModel *b);
