#include "prices/format/cloud_fields.h"

#include <string.h>

static void
clear_field(gpointer data)
{
  g_free(((CloudField *)data)->name);
  g_free(((CloudField *)data)->json);
}

GArray *
cloud_fields_new(void)
{
  GArray *fields = g_array_new(FALSE, FALSE, sizeof(CloudField));
  g_array_set_clear_func(fields, clear_field);
  return fields;
}

void
cloud_fields_set_json(GArray *fields, const char *name, const char *suffix, char *json)
{
  g_autofree char *whole = g_strconcat(name, suffix, NULL);
  for (guint i = 0; i < fields->len; i++) {
    CloudField *field = &g_array_index(fields, CloudField, i);
    if (strcmp(field->name, whole) == 0) {
      g_free(field->json);
      field->json = json;
      return;
    }
  }
  CloudField field = {g_steal_pointer(&whole), json};
  g_array_append_val(fields, field);
}

void
cloud_fields_set_string(GArray *fields, const char *name, const char *text)
{
  g_autoptr(GString) json = g_string_new(NULL);
  if (text == NULL)
    return;
  json_quote(json, text);
  cloud_fields_set_json(fields, name, "", g_string_free(g_steal_pointer(&json), FALSE));
}

void
cloud_fields_set_true(GArray *fields, const char *name, gboolean is_true)
{
  if (name != NULL && is_true)
    cloud_fields_set_json(fields, name, "", g_strdup("true"));
}

char *
cloud_fields_to_json(const GArray *fields)
{
  g_autoptr(GString) out = g_string_new("{");
  for (guint i = 0; i < fields->len; i++) {
    const CloudField *field = &g_array_index(fields, CloudField, i);
    if (i > 0)
      g_string_append_c(out, ',');
    json_quote(out, field->name);
    g_string_append_printf(out, ":%s", field->json);
  }
  g_string_append_c(out, '}');
  return g_string_free(g_steal_pointer(&out), FALSE);
}
