/* Price changes that a sync holds back until somebody approves them. Private to prices/apply. */
#pragma once

#include "prices/apply/apply_state.h"

/* Removes changes that exceed the limit, or that were rejected, from what is written. */
gboolean hold_back_changes(Apply *apply, GError **error);
/* Stores the held changes in cch_data.price_held. */
gboolean hold_back_save(Apply *apply, GError **error);
