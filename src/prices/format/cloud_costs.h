/* The charges of a variant in the cloud's table, as costs a token or a request. Private to prices/format. */
#pragma once

#include "base/exact/json_tree.h"

/* Sets a variant's costs; FALSE when nothing in it can be billed. `fields` as cloud_fields.h has them. */
gboolean cloud_costs_set(GArray *fields, const JsonTree *variant);
/* TRUE, too, for a charge without a currency. */
gboolean cloud_charge_is_in_dollars(const JsonTree *charge);
