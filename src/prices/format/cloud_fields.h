/* An object's fields in order, each with its JSON. Setting a field again keeps its position. Private to
 * prices/format. */
#pragma once

#include "base/exact/json_scan.h"

typedef struct {
  char *name, *json;
} CloudField;

/* An array of CloudField that clears its elements. */
GArray *cloud_fields_new(void);
/* The field's name is `name` followed by `suffix`. Takes ownership of `json`. */
void cloud_fields_set_json(GArray *fields, const char *name, const char *suffix, char *json);
/* Does nothing if the text is NULL. */
void cloud_fields_set_string(GArray *fields, const char *name, const char *text);
/* Does nothing if it is not true, or `name` is NULL. */
void cloud_fields_set_true(GArray *fields, const char *name, gboolean is_true);
/* The object; free with g_free. */
char *cloud_fields_to_json(const GArray *fields);
