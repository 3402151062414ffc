/* A small JSON value as a tree: a model, a request. Scalars keep the text that was written. */
#pragma once

#include "base/exact/json_scan.h"

typedef struct JsonTree JsonTree;

struct JsonTree {
  JsonToken type;      /* JSON_TOKEN_OBJECT, JSON_TOKEN_ARRAY, or a scalar's */
  char *key;           /* as a member: its name without escapes */
  char *text;          /* a scalar as written; a string without quotes and escapes */
  GPtrArray *children; /* of JsonTree, in order; NULL for a scalar */
};

/* JSON_ERROR_FORMAT, JSON_ERROR_TOO_DEEP; the former also for a name that comes twice, and for text that cannot be
 * stored. */
JsonTree *json_tree_parse(const char *text, gsize size, GError **error);
void json_tree_free(JsonTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonTree, json_tree_free)

/* The member of an object; NULL when there is none, or `tree` is NULL or no object. */
const JsonTree *json_tree_get(const JsonTree *tree, const char *key);
/* The text of a string that is not empty, else NULL. */
const char *json_tree_string(const JsonTree *tree);
/* How many members or elements; 0 for NULL and scalars. */
guint json_tree_size(const JsonTree *tree);
const JsonTree *json_tree_child(const JsonTree *tree, guint index);

/* Whether it is true or false; FALSE for NULL. */
gboolean json_tree_is_boolean(const JsonTree *tree);
gboolean json_tree_is_true(const JsonTree *tree);
/* A number without point and exponent, of this range; FALSE for anything else. */
gboolean json_tree_integer(const JsonTree *tree, gint64 lowest, gint64 highest, gint64 *ret_number);

/* Appends it as JSON. */
void json_tree_write(const JsonTree *tree, GString *out);
/* Appends it as PostgreSQL prints the same as jsonb: members by the length of their names, then by bytes; numbers
 * without exponent, with as many decimals as they were written with. Numbers that decimal_parse() does not take stay as
 * they were written. */
void json_tree_write_jsonb(const JsonTree *tree, GString *out);
