/* The price changes that a sync holds back until somebody approves them. Private to prices/apply. */
#pragma once

#include "prices/apply/apply_state.h"

/* Takes out of what is written the changes beyond the limit, and those that somebody has rejected. */
gboolean hold_back_changes(Apply *apply, GError **error);
/* Keeps what was held back in cch_data.price_held. */
gboolean hold_back_save(Apply *apply, GError **error);
