/* The state of one apply. Private to prices/apply. */
#pragma once

#include "prices/apply/apply.h"

typedef struct {
  PgConnection *connection;
  const PriceTable *table;
  GArray *models;   /* of PriceModel: the table's, whose texts may have been changed */
  GPtrArray *texts; /* of those that were */
  const PriceApplyOptions *options;
  PriceCatalog catalog;
  char *kind, *digest; /* under which an unchanged table is recognised */
  GString *changed;    /* the models that are written, as a JSON object */
  GString *updated;    /* those of them that replace another price */
  PriceReport *report;
} Apply;

void apply_clear(Apply *apply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Apply, apply_clear)

/* Appends a model to an object that apply_close_objects will close. */
void apply_append_model(GString *object, const PriceModel *model);
/* Closes `changed` and `updated`, where they have models. */
void apply_close_objects(Apply *apply);
