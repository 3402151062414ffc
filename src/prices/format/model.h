/* Validation of one model of a price table. */
#pragma once

#include "prices/format/issue.h"

enum {
  PRICE_NAME_MAX_BYTES = 1024,  /* model_name is indexed: a B-tree entry has less than 2.7 kB */
  PRICE_VENDOR_MAX_BYTES = 1024 /* newer hubs index price_data->>'vendor' */
};

/* `json` is one JSON value that json_scan.h has read without an error. FALSE adds the first problem to `failed`; TRUE
 * may have added to `warnings`. `ret_mended` (may be NULL: then a cost that is null fails) becomes the model without
 * the costs that are null, or NULL where there are none; free with g_free. */
gboolean price_model_check(const char *name, const char *json, gsize size, GArray *failed, GArray *warnings,
                           char **ret_mended);

/* Whether a field's value is money: a word of its name is cost or price, or it lies in a field of which that is true
 * (`is_inside_cost`), unless the last word of its name says that it only tells about a price (price_currency). `name`
 * is NULL for an array's element. */
gboolean price_is_cost(gboolean is_inside_cost, const char *name, gsize size);

/* Trims a name as the hub does: white space of Unicode and byte order marks. Free with g_free. */
char *price_name_trim(const char *name);
