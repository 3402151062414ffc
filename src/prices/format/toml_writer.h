/* Writes a model as TOML that is parsed as equal data. */
#pragma once

#include "base/exact/json_tree.h"

/* Appends [models."name"] and its fields. PRICES_NO_TOML for null and for numbers that are too large or small. */
gboolean toml_write_model(GString *out, const char *name, const JsonTree *data, GError **error);
