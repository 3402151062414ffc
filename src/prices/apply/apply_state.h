/* The state of one apply. Private to prices/apply. */
#pragma once

#include "prices/apply/apply.h"

typedef struct {
  PgConnection *connection;
  const PriceTable *table;
  GArray *models;   /* PriceModel: the table's, possibly with changed texts */
  GPtrArray *texts; /* the changed texts */
  const PriceApplyOptions *options;
  PriceCatalog catalog;
  char *kind, *digest; /* identify an unchanged table */
  GString *changed;    /* the models to write, as a JSON object */
  GString *updated;    /* of these, the ones that replace another price */
  PriceReport *report;
} Apply;

void apply_clear(Apply *apply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Apply, apply_clear)

/* Appends a model to an object, which apply_close_objects will close. */
void apply_append_model(GString *object, const PriceModel *model);
/* Closes `changed` and `updated`, if they have models. */
void apply_close_objects(Apply *apply);
