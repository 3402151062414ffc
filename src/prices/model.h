/* One model of a price table: whether its text may be stored. */
#pragma once

#include "prices/issue.h"

enum {
  PRICE_NAME_MAX_BYTES = 1024,  /* model_name is indexed: a B-tree entry has less than 2.7 kB */
  PRICE_VENDOR_MAX_BYTES = 1024 /* newer hubs index price_data->>'vendor' */
};

/* `json` is one JSON value that scan.h has read without an error. FALSE adds the first problem to `failed`; TRUE may
 * have added to `warnings`. */
gboolean price_model_check(const char *name, const char *json, gsize size, GArray *failed, GArray *warnings);

/* TRUE for a field whose value is money: a word of its name is cost or price, unless the last word says that it only
 * tells about one (price_currency). */
gboolean price_field_is_cost(const char *name, gsize size);
