/* The fields that a batch can change, and the check of a new value before the database sees it.
 *
 * A value is text as PostgreSQL would print it ("10.00", "true", "[\"a\", \"b\"]"; NULL is SQL NULL), so that what was,
 * what is wanted and what is stored compare as strings, and no price or limit ever passes through a double. */
#pragma once

#include "base/exact/json_tree.h"
#include "base/json.h"

typedef enum { BATCH_USERS, BATCH_KEYS, BATCH_PROVIDERS, BATCH_ENDPOINTS, BATCH_N_ENTITIES } BatchEntity;

typedef enum {
  BATCH_TYPE_TEXT,
  BATCH_TYPE_GROUP,
  BATCH_TYPE_TAGS,
  BATCH_TYPE_INTEGER,
  BATCH_TYPE_DECIMAL,
  BATCH_TYPE_BOOLEAN,
  BATCH_TYPE_TIME,
  BATCH_TYPE_MODE,
  BATCH_TYPE_CLOCK,
  BATCH_TYPE_GROUP_TAG,
  BATCH_TYPE_LIST,
  BATCH_TYPE_JSON
} BatchType;

typedef struct {
  BatchEntity entity;
  const char *name;   /* in requests */
  const char *column; /* of the entity's table */
  BatchType type;
  gint64 lowest, highest; /* of the value, or of the number of characters or tags */
  int decimals;
  gboolean is_nullable;
  gboolean is_internal; /* not to be set from outside */
} BatchField;

extern const BatchField batch_fields[]; /* ends with a NULL name; an entity's fields stand together */

/* "users", "keys", "providers", "provider_endpoints": also the table in public. */
const char *batch_entity_name(BatchEntity entity);
/* NULL when there is none, or it is internal. */
const BatchField *batch_field_find(BatchEntity entity, const char *name);
const BatchField *batch_field_by_column(BatchEntity entity, const char *column);
/* TRUE where the database lacks the field's column. `widths` is batch_read_widths'; an empty one knows nothing. */
gboolean batch_field_is_absent(const BatchField *field, GHashTable *widths);
/* The type to cast a text value to. */
const char *batch_field_sql_type(const BatchField *field);

/* What is wrong with a value: a stable code ("not_a_number", "too_many_decimals", …) with its text for people in
 * batch_problem_text(). NULL: nothing. */
typedef const char *BatchProblem;

/* A value as JSON has it, but tags; `max_characters` is the column's width, 0: unbounded. */
BatchProblem batch_value_from_json(const BatchField *field, const JsonTree *json, guint max_characters,
                                   char **ret_value);
/* A value as a spreadsheet's cell has it ("10.5", "true"; tags "a,b", or as JSON; "null"). An apostrophe before a text
 * says that it is one: "'null", "'=1", and "'" alone for the empty text. An empty cell is no value: it is the caller's
 * to see to. */
BatchProblem batch_value_from_text(const BatchField *field, const char *text, guint max_characters, char **ret_value);
/* The cell of a value, which reads back as the very same, and which no spreadsheet takes for a formula; empty for a
 * NULL that nobody could have set. Free with g_free. */
char *batch_value_to_text(const BatchField *field, const char *value);
/* The cell of any text (NULL: ""). */
char *batch_text_cell(const char *text);
/* A stored value for JSON, exact: booleans, integers, arrays and objects as such; decimals as strings, and so is JSON
 * that has any. */
json_t *batch_value_to_json(const BatchField *field, const char *value);

/* The names of several comma-separated lists (NULL-terminated) as one: trimmed, sorted, each once; "default" for none.
 * As the hub does it. */
char *batch_group_join(const char *const *lists);
