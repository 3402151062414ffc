#include "backup/http/choices.h"

#include "base/error.h"

#include <jansson.h>
#include <string.h>

typedef struct {
  const char *name;
  gboolean (*set)(HttpChoices *choices, const char *text, GError **error);
  gboolean is_boolean;
  gsize list; /* the offset of a list's GPtrArray in HttpChoices; 0: no list */
} Field;

void
http_choices_clear(HttpChoices *choices)
{
  g_clear_pointer(&choices->tables, g_ptr_array_unref);
  g_clear_pointer(&choices->without_extensions, g_ptr_array_unref);
  g_clear_pointer(&choices->upload_id, g_free);
}

static gboolean
parse_boolean(const char *name, const char *text, gboolean *ret_value, GError **error)
{
  gboolean is_true = strcmp(text, "true") == 0;
  if (!is_true && strcmp(text, "false") != 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be true or false, not \"%.64s\"", name, text);
    return FALSE;
  }
  *ret_value = is_true;
  return TRUE;
}

static gboolean
set_clean_first(HttpChoices *choices, const char *text, GError **error)
{
  return parse_boolean("cleanFirst", text, &choices->clean_first, error);
}

static gboolean
set_skip_logs(HttpChoices *choices, const char *text, GError **error)
{
  return parse_boolean("skipLogs", text, &choices->skip_logs, error);
}

static gboolean
set_allow_incomplete(HttpChoices *choices, const char *text, GError **error)
{
  return parse_boolean("allowIncomplete", text, &choices->allow_incomplete, error);
}

static gboolean
set_strict(HttpChoices *choices, const char *text, GError **error)
{
  return parse_boolean("strict", text, &choices->is_strict, error);
}

static gboolean
set_keep_upload(HttpChoices *choices, const char *text, GError **error)
{
  return parse_boolean("keepUpload", text, &choices->keep_upload, error);
}

static gboolean
set_while_uploading(HttpChoices *choices, const char *text, GError **error)
{
  return parse_boolean("whileUploading", text, &choices->while_uploading, error);
}

static gboolean
set_method(HttpChoices *choices, const char *text, GError **error)
{
  if (backup_method_parse(text, &choices->method))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "method must be auto, swap or transaction, not \"%.64s\"", text);
  return FALSE;
}

static gboolean
set_on_conflict(HttpChoices *choices, const char *text, GError **error)
{
  return backup_on_conflict_parse(text, &choices->on_conflict, error);
}

static gboolean
set_upload_id(HttpChoices *choices, const char *text, GError **error)
{
  if (*text == '\0') {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "uploadId is empty");
    return FALSE;
  }
  g_free(choices->upload_id);
  choices->upload_id = g_strdup(text);
  return TRUE;
}

static gboolean
add_name(HttpChoices *choices, const Field *field, const char *name, GError **error)
{
  GPtrArray **list = G_STRUCT_MEMBER_P(choices, field->list);
  if (*list == NULL)
    *list = g_ptr_array_new_null_terminated(1, g_free, TRUE);
  g_autofree char *stripped = g_strstrip(g_strdup(name));
  if (*stripped == '\0' || (*list)->len >= HTTP_CHOICE_MAX_TABLES) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be names separated by commas, %d at most", field->name,
              HTTP_CHOICE_MAX_TABLES);
    return FALSE;
  }
  g_ptr_array_add(*list, g_steal_pointer(&stripped));
  return TRUE;
}

static gboolean
add_names(HttpChoices *choices, const Field *field, const char *text, GError **error)
{
  g_auto(GStrv) names = g_strsplit(text, ",", HTTP_CHOICE_MAX_TABLES + 1);
  if (*names == NULL)
    return add_name(choices, field, "", error);
  for (char **name = names; *name != NULL; name++) {
    if (!add_name(choices, field, *name, error))
      return FALSE;
  }
  return TRUE;
}

static const Field fields[] = {
    {.name = "cleanFirst", .set = set_clean_first, .is_boolean = TRUE},
    {.name = "skipLogs", .set = set_skip_logs, .is_boolean = TRUE},
    {.name = "allowIncomplete", .set = set_allow_incomplete, .is_boolean = TRUE},
    {.name = "strict", .set = set_strict, .is_boolean = TRUE},
    {.name = "keepUpload", .set = set_keep_upload, .is_boolean = TRUE},
    {.name = "whileUploading", .set = set_while_uploading, .is_boolean = TRUE},
    {.name = "method", .set = set_method},
    {.name = "onConflict", .set = set_on_conflict},
    {.name = "tables", .list = G_STRUCT_OFFSET(HttpChoices, tables)},
    {.name = "withoutExtensions", .list = G_STRUCT_OFFSET(HttpChoices, without_extensions)},
    {.name = "uploadId", .set = set_upload_id},
};

static const Field *
find_field(const HttpChoices *choices, const char *name, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    if (strcmp(fields[i].name, name) != 0)
      continue;
    if (fields[i].list != 0 || !(choices->seen & (1u << i)))
      return &fields[i];
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "field given twice: %s", name);
    return NULL;
  }
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field: %.64s", name);
  return NULL;
}

gboolean
http_choices_expect(const HttpChoices *choices, const char *name, GError **error)
{
  return find_field(choices, name, error) != NULL;
}

gboolean
http_choices_set(HttpChoices *choices, const char *name, const char *text, GError **error)
{
  const Field *field = find_field(choices, name, error);
  if (field == NULL)
    return FALSE;
  choices->seen |= 1u << (field - fields);
  if (!g_utf8_validate(text, -1, NULL)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s is not UTF-8", name);
    return FALSE;
  }
  return field->list != 0 ? add_names(choices, field, text, error) : field->set(choices, text, error);
}

static gboolean
set_list(HttpChoices *choices, const Field *field, const json_t *list, GError **error)
{
  gsize i;
  json_t *item;
  json_array_foreach(list, i, item) {
    if (!json_is_string(item)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be an array of strings", field->name);
      return FALSE;
    }
    if (!add_name(choices, field, json_string_value(item), error))
      return FALSE;
  }
  return json_array_size(list) > 0 || add_name(choices, field, "", error);
}

static gboolean
set_from_json(HttpChoices *choices, const char *name, const json_t *value, GError **error)
{
  const Field *field = find_field(choices, name, error);
  if (field == NULL)
    return FALSE;
  if (field->list != 0 && json_is_array(value))
    return set_list(choices, field, value, error);
  if (field->is_boolean && json_is_boolean(value))
    return http_choices_set(choices, name, json_is_true(value) ? "true" : "false", error);
  if (!field->is_boolean && json_is_string(value))
    return http_choices_set(choices, name, json_string_value(value), error);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be %s", name,
            field->is_boolean  ? "true or false"
            : field->list != 0 ? "an array of strings"
                               : "a string");
  return FALSE;
}

gboolean
http_choices_from_json(HttpChoices *choices, const guint8 *text, gsize size, GError **error)
{
  json_error_t problem;
  json_t *object = json_loadb(size > 0 ? (const char *)text : "", size, JSON_REJECT_DUPLICATES, &problem);
  if (!json_is_object(object)) {
    json_decref(object);
    error_set(error, CCH_ERROR_REQUEST_MALFORMED_JSON, "the body must be a JSON object");
    return FALSE;
  }
  gboolean is_good = TRUE;
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value) {
    is_good = is_good && set_from_json(choices, name, value, error);
  }
  json_decref(object);
  return is_good;
}

const char *const *
http_choices_tables(const HttpChoices *choices)
{
  return choices->tables != NULL ? (const char *const *)choices->tables->pdata : NULL;
}

const char *const *
http_choices_without_extensions(const HttpChoices *choices)
{
  return choices->without_extensions != NULL ? (const char *const *)choices->without_extensions->pdata : NULL;
}

gboolean
http_choices_check(const HttpChoices *choices, GError **error)
{
  if (!choices->clean_first && choices->method != BACKUP_METHOD_AUTO) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "method is for overwriting: a merge is one transaction");
    return FALSE;
  }
  if (!choices->clean_first && choices->allow_incomplete) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "allowIncomplete is for overwriting: a merge takes nothing away");
    return FALSE;
  }
  return backup_choices_check(choices->clean_first, choices->on_conflict, http_choices_tables(choices), error);
}
