/* Price changes of the cloud that a scheduled sync held back, in cch_data.price_held: list, approve, reject.
 *
 * A change waits until it is approved, until a requested sync applies it, or until the cloud has another price. A
 * rejected change is not applied, even by requested syncs, as long as the cloud has exactly that price. */
#pragma once

#include "prices/apply/apply.h"

/* [{modelName, status, heldAt, rejectedAt, rejectedBy, changes, priceData}] as JSON; free with g_free. */
char *price_held_list(PgConnection *connection, GError **error);

/* Writes the changes as the cloud's prices; skips a model that has become manual. `names` ends with NULL; NULL: all
 * that wait. PRICES_NOT_FOUND if one of them is not held back; also the errors of price_apply. */
PriceReport *price_held_approve(PgConnection *connection, const char *const *names, const PriceApplyOptions *options,
                                GError **error);

/* `ret_names` (free with g_strfreev): the rejected ones. Otherwise as above. */
gboolean price_held_reject(PgConnection *connection, const char *const *names, const PriceApplyOptions *options,
                           char ***ret_names, GError **error);
