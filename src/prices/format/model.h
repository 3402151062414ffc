/* One model of a price table: whether its text may be stored. */
#pragma once

#include "prices/format/issue.h"

enum {
  PRICE_NAME_MAX_BYTES = 1024,  /* model_name is indexed: a B-tree entry has less than 2.7 kB */
  PRICE_VENDOR_MAX_BYTES = 1024 /* newer hubs index price_data->>'vendor' */
};

/* `json` is one JSON value that json_scan.h has read without an error. FALSE adds the first problem to `failed`; TRUE
 * may have added to `warnings`. */
gboolean price_model_check(const char *name, const char *json, gsize size, GArray *failed, GArray *warnings);

/* Whether a field's value is money: a word of its name is cost or price, or it lies in a field of which that is true
 * (`is_inside_cost`), unless the last word of its name says that it only tells about a price (price_currency). `name`
 * is NULL for an array's element. */
gboolean price_is_cost(gboolean is_inside_cost, const char *name, gsize size);
