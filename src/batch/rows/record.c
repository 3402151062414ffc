#include "batch/rows/record.h"

#include <string.h>

enum { MAX_VALUES = 10 };

static BatchEntity
entity_of(const json_t *record)
{
  const char *name = json_string_value(json_object_get(record, "entity"));
  BatchEntity entity = BATCH_USERS;
  while (entity + 1 < BATCH_N_ENTITIES && g_strcmp0(batch_entity_name(entity), name) != 0)
    entity++;
  return entity;
}

/* A column that only another version of this program knows is left alone. */
static const char *
name_of(BatchEntity entity, const json_t *change)
{
  const char *column = json_string_value(json_object_get(change, "column"));
  const BatchField *field = batch_field_by_column(entity, column);
  return field != NULL ? field->name : column;
}

static json_t *
value_of(BatchEntity entity, const json_t *change, const char *side)
{
  const BatchField *field = batch_field_by_column(entity, json_string_value(json_object_get(change, "column")));
  json_t *value = json_object_get(change, side);
  return field != NULL ? batch_value_to_json(field, json_string_value(value)) : json_incref(value);
}

json_t *
batch_record_describe(const json_t *records)
{
  json_t *rows = json_array();
  gsize i, k;
  const json_t *record, *change;
  json_array_foreach((json_t *)records, i, record) {
    BatchEntity entity = entity_of(record);
    json_t *changes = json_array();
    json_array_foreach(json_object_get(record, "changes"), k, change)
      json_array_append_new(changes,
                            json_pack("{s:s, s:o, s:o}", "field", name_of(entity, change), "before",
                                      value_of(entity, change, "before"), "after", value_of(entity, change, "after")));
    json_array_append_new(rows, json_pack("{s:O, s:O, s:O*, s:o}", "entity", json_object_get(record, "entity"), "id",
                                          json_object_get(record, "id"), "name", json_object_get(record, "name"),
                                          "changes", changes));
  }
  return rows;
}

/* One field of one entity, and how often each value occurs. */
typedef struct {
  BatchEntity entity;
  const char *name;
  const BatchField *field;
  guint n_changed;
  GHashTable *values[2]; /* before, after: text ("" and a NULL are told apart by a mark) → number */
} Tally;

static const char *const sides[] = {"before", "after"};

static void
tally_free(gpointer data)
{
  Tally *tally = data;
  g_hash_table_unref(tally->values[0]);
  g_hash_table_unref(tally->values[1]);
  g_free(tally);
}

static Tally *
find_tally(GPtrArray *tallies, BatchEntity entity, const json_t *change)
{
  const char *name = name_of(entity, change);
  for (guint i = 0; i < tallies->len; i++) {
    Tally *tally = tallies->pdata[i];
    if (tally->entity == entity && strcmp(tally->name, name) == 0)
      return tally;
  }
  Tally *tally = g_new0(Tally, 1);
  tally->entity = entity;
  tally->name = name;
  tally->field = batch_field_by_column(entity, json_string_value(json_object_get(change, "column")));
  for (guint side = 0; side < 2; side++)
    tally->values[side] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_ptr_array_add(tallies, tally);
  return tally;
}

static void
count(Tally *tally, const json_t *change)
{
  tally->n_changed++;
  for (guint side = 0; side < 2; side++) {
    const char *text = json_string_value(json_object_get(change, sides[side]));
    char *key = g_strdup_printf("%c%s", text != NULL ? '=' : '0', text != NULL ? text : "");
    gpointer n = g_hash_table_lookup(tally->values[side], key);
    g_hash_table_insert(tally->values[side], key, GUINT_TO_POINTER(GPOINTER_TO_UINT(n) + 1));
  }
}

static int
compare_counts(gconstpointer a, gconstpointer b, gpointer numbers)
{
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  guint n = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, x)), m = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, y));
  return n != m ? (n > m ? -1 : 1) : strcmp(x, y);
}

static json_t *
most_frequent(const Tally *tally, guint side)
{
  GHashTable *numbers = tally->values[side];
  g_autoptr(GPtrArray) keys = g_ptr_array_new();
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init(&iter, numbers);
  while (g_hash_table_iter_next(&iter, &key, NULL))
    g_ptr_array_add(keys, key);
  g_ptr_array_sort_with_data(keys, compare_counts, numbers);
  json_t *list = json_array();
  for (guint i = 0; i < MIN(keys->len, MAX_VALUES); i++) {
    const char *text = keys->pdata[i];
    const char *stored = *text == '=' ? text + 1 : NULL;
    json_t *value = tally->field != NULL ? batch_value_to_json(tally->field, stored) : json_string(text + 1);
    json_int_t n = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, text));
    json_array_append_new(list, json_pack("{s:o, s:I}", "value", value, "count", n));
  }
  return list;
}

json_t *
batch_record_summarize(const json_t *records)
{
  g_autoptr(GPtrArray) tallies = g_ptr_array_new_with_free_func(tally_free);
  gsize i, k;
  const json_t *record, *change;
  json_array_foreach((json_t *)records, i, record)
    json_array_foreach(json_object_get(record, "changes"), k, change)
      count(find_tally(tallies, entity_of(record), change), change);
  json_t *fields = json_array();
  for (guint t = 0; t < tallies->len; t++) {
    const Tally *tally = tallies->pdata[t];
    json_array_append_new(fields, json_pack("{s:s, s:s, s:I, s:o, s:o}", "entity", batch_entity_name(tally->entity),
                                            "field", tally->name, "changed", (json_int_t)tally->n_changed, "before",
                                            most_frequent(tally, 0), "after", most_frequent(tally, 1)));
  }
  return fields;
}
