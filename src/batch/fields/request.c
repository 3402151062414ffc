#include "batch/fields/request.h"

#include "base/error.h"
#include "batch/fields/tags.h"

#include <string.h>

void
batch_value_clear(BatchValue *value)
{
  g_free(value->value);
  json_decref(value->add);
  json_decref(value->remove);
}

GArray *
batch_values_new(void)
{
  GArray *values = g_array_new(FALSE, FALSE, sizeof(BatchValue));
  g_array_set_clear_func(values, (GDestroyNotify)batch_value_clear);
  return values;
}

BatchValue
batch_value_copy(const BatchValue *value)
{
  BatchValue copy = *value;
  copy.value = g_strdup(value->value);
  json_incref(copy.add);
  json_incref(copy.remove);
  return copy;
}

void
batch_request_free(BatchRequest *request)
{
  g_array_unref(request->ids);
  g_ptr_array_unref(request->fields);
  g_ptr_array_unref(request->values);
  g_free(request);
}

/* "userIds", "keyIds", "providerIds". */
static const char *
ids_name_of(BatchEntity entity)
{
  static const char *const names[BATCH_N_ENTITIES] = {"userIds", "keyIds", "providerIds", NULL};
  return names[entity];
}

BatchRequest *
batch_request_new(BatchEntity entity, BatchAction action)
{
  BatchRequest *request = g_new0(BatchRequest, 1);
  request->entity = entity;
  request->action = action;
  request->ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  request->fields = g_ptr_array_new();
  request->values = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
  if (action == BATCH_DELETE)
    g_ptr_array_add(request->fields, (gpointer)batch_field_by_column(entity, "deleted_at"));
  return request;
}

static GArray *
add_values(BatchRequest *request)
{
  GArray *values = batch_values_new();
  g_ptr_array_add(request->values, values);
  return values;
}

GArray *
batch_request_add_row(BatchRequest *request, gint64 id)
{
  g_array_append_val(request->ids, id);
  request->is_per_row = TRUE;
  return add_values(request);
}

void
batch_request_add_value(BatchRequest *request, GArray *values, const BatchValue *value)
{
  g_array_append_vals(values, value, 1);
  if (!g_ptr_array_find(request->fields, value->field, NULL))
    g_ptr_array_add(request->fields, (gpointer)value->field);
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
  return x < y ? -1 : x > y;
}

static void
sort_ids(GArray *ids)
{
  g_array_sort(ids, compare_ids);
  guint n = 0;
  for (guint i = 0; i < ids->len; i++)
    if (n == 0 || g_array_index(ids, gint64, i) != g_array_index(ids, gint64, n - 1))
      g_array_index(ids, gint64, n++) = g_array_index(ids, gint64, i);
  g_array_set_size(ids, n);
}

static gboolean
read_ids(BatchRequest *request, const json_t *body, BatchProblems *problems, GError **error)
{
  const char *name = ids_name_of(request->entity);
  const json_t *list = json_object_get(body, name);
  if (!json_is_array(list)) {
    batch_problems_add(problems, name, "not_an_array", NULL);
    return TRUE;
  }
  for (gsize i = 0; i < json_array_size(list) && !(batch_problems_any(problems) && i >= BATCH_MAX_ROWS); i++) {
    const json_t *item = json_array_get(list, i);
    gint64 id = json_integer_value(item);
    if (!json_is_integer(item) || id < 1 || id > G_MAXINT32) {
      g_autofree char *path = g_strdup_printf("%s[%" G_GSIZE_FORMAT "]", name, i);
      batch_problems_add_given(problems, path, "not_an_id", item);
    } else {
      g_array_append_val(request->ids, id);
    }
  }
  sort_ids(request->ids);
  if (request->ids->len > BATCH_MAX_ROWS) {
    error_set(error, CCH_ERROR_BATCH_TOO_LARGE, "%u ids; the limit is %d", request->ids->len, BATCH_MAX_ROWS);
    return FALSE;
  }
  if (request->ids->len == 0 && !batch_problems_any(problems)) {
    error_set(error, CCH_ERROR_BATCH_EMPTY, "%s is empty", name);
    return FALSE;
  }
  return TRUE;
}

/* {"add": [...], "remove": [...]} */
static void
read_tag_change(BatchValue *value, const json_t *change, const char *path, BatchProblems *problems)
{
  const char *name;
  json_t *tags;
  json_object_foreach((json_t *)change, name, tags) {
    g_autofree char *place = g_strdup_printf("%s.%s", path, name);
    gboolean is_add = strcmp(name, "add") == 0;
    if (!is_add && strcmp(name, "remove") != 0) {
      batch_problems_add(problems, place, "unknown_field", NULL);
      continue;
    }
    batch_problems_add(problems, place, batch_tags_check(value->field, tags), value->field);
    *(is_add ? &value->add : &value->remove) = json_incref(tags);
  }
  value->is_change = TRUE;
}

void
batch_value_read(const BatchField *field, const json_t *given, const char *path, GHashTable *widths,
                 BatchProblems *problems, BatchValue *ret_value)
{
  *ret_value = (BatchValue){.field = field};
  guint width = GPOINTER_TO_UINT(g_hash_table_lookup(widths, field->column));
  if (batch_field_is_absent(field, widths))
    batch_problems_add(problems, path, "no_column", field);
  else if (field->type == BATCH_TYPE_TAGS && json_is_object(given))
    read_tag_change(ret_value, given, path, problems);
  else
    batch_problems_add(problems, path, batch_value_from_json(field, given, width, &ret_value->value), field);
}

static void
read_update(BatchRequest *request, GArray *values, const char *name, const json_t *given, GHashTable *widths,
            BatchProblems *problems)
{
  g_autofree char *path = g_strdup_printf("updates.%s", name);
  const BatchField *field = batch_field_find(request->entity, name);
  if (field == NULL) {
    batch_problems_add(problems, path, "unknown_field", NULL);
    return;
  }
  BatchValue value;
  batch_value_read(field, given, path, widths, problems, &value);
  batch_request_add_value(request, values, &value);
}

static gboolean
read_updates(BatchRequest *request, const json_t *body, GHashTable *widths, BatchProblems *problems, GError **error)
{
  const json_t *updates = json_object_get(body, "updates");
  if (!json_is_object(updates) || json_object_size(updates) == 0) {
    error_set(error, CCH_ERROR_BATCH_NO_CHANGE, "\"updates\" names no field");
    return FALSE;
  }
  GArray *values = add_values(request);
  const char *name;
  json_t *given;
  json_object_foreach((json_t *)updates, name, given)
    read_update(request, values, name, given, widths, problems);
  return TRUE;
}

/* Members that no batch has: a misspelt "dryRun" must not change anything. */
static void
check_members(const BatchRequest *request, const json_t *body, BatchProblems *problems)
{
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)body, name, value) {
    gboolean is_known = strcmp(name, ids_name_of(request->entity)) == 0 || strcmp(name, "dryRun") == 0 ||
                        (request->action == BATCH_UPDATE && strcmp(name, "updates") == 0);
    batch_problems_add(problems, name, is_known ? NULL : "unknown_field", NULL);
  }
  const json_t *dry_run = json_object_get(body, "dryRun");
  if (dry_run != NULL && !json_is_boolean(dry_run))
    batch_problems_add(problems, "dryRun", "not_a_boolean", NULL);
}

BatchRequest *
batch_request_from_json(BatchEntity entity, BatchAction action, const json_t *body, GHashTable *widths,
                        BatchProblems *problems, GError **error)
{
  g_autoptr(BatchRequest) request = batch_request_new(entity, action);
  check_members(request, body, problems);
  request->is_dry_run = json_is_true(json_object_get(body, "dryRun"));
  if (!read_ids(request, body, problems, error) ||
      (action == BATCH_UPDATE && !read_updates(request, body, widths, problems, error)))
    return NULL;
  if (!batch_problems_any(problems))
    return g_steal_pointer(&request);
  const json_t *first = json_array_get(problems->list, 0);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s: %s", json_string_value(json_object_get(first, "path")),
            json_string_value(json_object_get(first, "message")));
  return NULL;
}
