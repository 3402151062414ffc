/* The fields that a batch can change, and the validation of new values before they reach the database.
 *
 * A value is text as PostgreSQL prints it ("10.00", "true", "[\"a\", \"b\"]"; NULL is SQL NULL). Old, requested and
 * stored values can therefore be compared as strings, and no price or limit ever passes through a double. */
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
  const char *name;   /* name in requests */
  const char *column; /* column of the entity's table */
  BatchType type;
  gint64 lowest, highest; /* of the value, or of its number of characters or tags */
  int decimals;
  gboolean is_nullable;
  gboolean is_internal; /* cannot be set from outside */
} BatchField;

extern const BatchField batch_fields[]; /* ends with a NULL name; the fields of an entity are contiguous */

/* "users", "keys", "providers", "provider_endpoints": also the name of the table in public. */
const char *batch_entity_name(BatchEntity entity);
/* NULL if there is none, or it is internal. */
const BatchField *batch_field_find(BatchEntity entity, const char *name);
const BatchField *batch_field_by_column(BatchEntity entity, const char *column);
/* TRUE if the database lacks the field's column. `widths` comes from batch_read_widths; an empty table means
 * unknown. */
gboolean batch_field_is_absent(const BatchField *field, GHashTable *widths);
/* The type that a text value is cast to. */
const char *batch_field_sql_type(const BatchField *field);

/* A problem of a value: a stable code ("not_a_number", "too_many_decimals", …), whose text for people is
 * batch_problem_text(). NULL: none. */
typedef const char *BatchProblem;

/* Parses a JSON value of any type but tags; `max_characters` is the column's width, 0: unlimited. */
BatchProblem batch_value_from_json(const BatchField *field, const JsonTree *json, guint max_characters,
                                   char **ret_value);
/* Parses a spreadsheet cell ("10.5", "true"; tags "a,b", or as JSON; "null"). An apostrophe marks text: "'null",
 * "'=1", and "'" alone for the empty text. The caller handles empty cells, which are no values. */
BatchProblem batch_value_from_text(const BatchField *field, const char *text, guint max_characters, char **ret_value);
/* The cell of a value: it is parsed as exactly the same value, and no spreadsheet takes it for a formula. Empty for
 * a NULL in a field that cannot be set to NULL. Free with g_free. */
char *batch_value_to_text(const BatchField *field, const char *value);
/* The cell for any text (NULL: ""). */
char *batch_text_cell(const char *text);
/* A stored value as JSON, exactly: booleans, integers, arrays and objects as such; decimals, and JSON that contains
 * decimals, as strings. */
json_t *batch_value_to_json(const BatchField *field, const char *value);

/* Joins several comma-separated lists of names (NULL-terminated) as the hub does: trimmed, sorted, each name once;
 * "default" if there are none. */
char *batch_group_join(const char *const *lists);
