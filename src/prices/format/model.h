/* Validation of one model of a price table. */
#pragma once

#include "prices/format/issue.h"

enum {
  PRICE_NAME_MAX_BYTES = 1024,  /* model_name is indexed: a B-tree entry is limited to 2.7 kB */
  PRICE_VENDOR_MAX_BYTES = 1024 /* newer hubs index price_data->>'vendor' */
};

/* `json` is one JSON value that json_scan.h has accepted. FALSE adds the first problem to `failed`; TRUE may have
 * added to `warnings`. `ret_mended` (if NULL, a null cost fails) becomes the model without its null costs, or NULL
 * if it has none; free with g_free. */
gboolean price_model_check(const char *name, const char *json, gsize size, GArray *failed, GArray *warnings,
                           char **ret_mended);

/* Whether a field's value is money: a word of its name is cost or price, or it is inside such a field
 * (`is_inside_cost`), unless the last word of its name only describes a price (price_currency). `name` is NULL for
 * an array's element. */
gboolean price_is_cost(gboolean is_inside_cost, const char *name, gsize size);

/* Trims a name as the hub does: Unicode white space and byte order marks. Free with g_free. */
char *price_name_trim(const char *name);
