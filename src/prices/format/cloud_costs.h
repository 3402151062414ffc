/* Converts the charges of a variant in the cloud's table to costs per token or request. Private to prices/format. */
#pragma once

#include "base/exact/json_tree.h"

/* Sets a variant's costs; FALSE if it has nothing billable. `fields` as in cloud_fields.h. */
gboolean cloud_costs_set(GArray *fields, const JsonTree *variant);
/* TRUE also for a charge without a currency. */
gboolean cloud_charge_is_in_dollars(const JsonTree *charge);
