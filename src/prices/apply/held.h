/* Price changes of the cloud that a scheduled sync held back, in cch_data.price_held: listed, approved, rejected.
 *
 * A change waits until it is approved, until a sync that somebody asked for brings it in, or until the cloud has
 * another price. A rejected one stays out, also of syncs that are asked for, while the cloud has just that price. */
#pragma once

#include "prices/apply/apply.h"

/* [{modelName, status, heldAt, rejectedAt, rejectedBy, changes, priceData}] as JSON; free with g_free. */
char *price_held_list(PgConnection *connection, GError **error);

/* Writes the changes as the cloud's prices; a model that is manual by now is skipped. `names` ends with NULL; NULL: all
 * that wait. PRICES_NOT_FOUND when one of them is not held back, and price_apply's. */
PriceReport *price_held_approve(PgConnection *connection, const char *const *names, const PriceApplyOptions *options,
                                GError **error);

/* `ret_names` (free with g_strfreev) are those that were rejected; as above. */
gboolean price_held_reject(PgConnection *connection, const char *const *names, const PriceApplyOptions *options,
                           char ***ret_names, GError **error);
