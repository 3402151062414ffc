#include "batch/fields/request.h"

#include "base/error.h"
#include "batch/fields/tags.h"

#include <string.h>

void
batch_value_clear(BatchValue *value)
{
  g_free(value->value);
  g_strfreev(value->add);
  g_strfreev(value->remove);
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
  copy.add = g_strdupv(value->add);
  copy.remove = g_strdupv(value->remove);
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
read_ids(BatchRequest *request, const JsonTree *body, BatchProblems *problems, GError **error)
{
  const char *name = ids_name_of(request->entity);
  const JsonTree *list = json_tree_get(body, name);
  if (list == NULL || list->type != JSON_TOKEN_ARRAY) {
    batch_problems_add(problems, name, "not_an_array", NULL);
    return TRUE;
  }
  for (guint i = 0; i < json_tree_size(list) && !(batch_problems_any(problems) && i >= BATCH_MAX_ROWS); i++) {
    const JsonTree *item = json_tree_child(list, i);
    gint64 id = 0;
    if (!json_tree_integer(item, 1, G_MAXINT32, &id)) {
      g_autofree char *path = g_strdup_printf("%s[%u]", name, i);
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
read_tag_change(BatchValue *value, const JsonTree *change, const char *path, BatchProblems *problems)
{
  for (guint i = 0; i < json_tree_size(change); i++) {
    const JsonTree *tags = json_tree_child(change, i);
    g_autofree char *place = g_strdup_printf("%s.%s", path, tags->key);
    gboolean is_add = strcmp(tags->key, "add") == 0;
    if (!is_add && strcmp(tags->key, "remove") != 0) {
      batch_problems_add(problems, place, "unknown_field", NULL);
      continue;
    }
    BatchProblem problem = batch_tags_check(value->field, tags);
    batch_problems_add(problems, place, problem, value->field);
    if (problem == NULL)
      *(is_add ? &value->add : &value->remove) = batch_tags_names(tags);
  }
  value->is_change = TRUE;
}

void
batch_value_read(const BatchField *field, const JsonTree *given, const char *path, GHashTable *widths,
                 BatchProblems *problems, BatchValue *ret_value)
{
  *ret_value = (BatchValue){.field = field};
  guint width = GPOINTER_TO_UINT(g_hash_table_lookup(widths, field->column));
  if (batch_field_is_absent(field, widths))
    batch_problems_add(problems, path, "no_column", field);
  else if (field->type == BATCH_TYPE_TAGS && given->type == JSON_TOKEN_OBJECT)
    read_tag_change(ret_value, given, path, problems);
  else
    batch_problems_add(problems, path, batch_value_from_json(field, given, width, &ret_value->value), field);
}

static void
read_update(BatchRequest *request, GArray *values, const JsonTree *given, GHashTable *widths, BatchProblems *problems)
{
  const char *name = given->key;
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
read_updates(BatchRequest *request, const JsonTree *body, GHashTable *widths, BatchProblems *problems, GError **error)
{
  const JsonTree *updates = json_tree_get(body, "updates");
  if (updates == NULL || updates->type != JSON_TOKEN_OBJECT || json_tree_size(updates) == 0) {
    error_set(error, CCH_ERROR_BATCH_NO_CHANGE, "\"updates\" names no field");
    return FALSE;
  }
  GArray *values = add_values(request);
  for (guint i = 0; i < json_tree_size(updates); i++)
    read_update(request, values, json_tree_child(updates, i), widths, problems);
  return TRUE;
}

/* Unknown members are refused: a misspelt "dryRun" must not change anything. */
static void
check_members(const BatchRequest *request, const JsonTree *body, BatchProblems *problems)
{
  for (guint i = 0; i < json_tree_size(body); i++) {
    const char *name = json_tree_child(body, i)->key;
    gboolean is_known = strcmp(name, ids_name_of(request->entity)) == 0 || strcmp(name, "dryRun") == 0 ||
                        (request->action == BATCH_UPDATE && strcmp(name, "updates") == 0);
    batch_problems_add(problems, name, is_known ? NULL : "unknown_field", NULL);
  }
  const JsonTree *dry_run = json_tree_get(body, "dryRun");
  if (dry_run != NULL && !json_tree_is_boolean(dry_run))
    batch_problems_add(problems, "dryRun", "not_a_boolean", NULL);
}

BatchRequest *
batch_request_from_json(BatchEntity entity, BatchAction action, const JsonTree *body, GHashTable *widths,
                        BatchProblems *problems, GError **error)
{
  g_autoptr(BatchRequest) request = batch_request_new(entity, action);
  check_members(request, body, problems);
  request->is_dry_run = json_tree_is_true(json_tree_get(body, "dryRun"));
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
