/* A small JSON value as a tree, such as a model or a request. Scalars keep their text as written. */
#pragma once

#include "base/exact/json_scan.h"

typedef struct JsonTree JsonTree;

struct JsonTree {
  JsonToken type;      /* JSON_TOKEN_OBJECT, JSON_TOKEN_ARRAY, or a scalar's */
  char *key;           /* of a member: its name, unescaped */
  char *text;          /* a scalar as written; a string without quotes, unescaped */
  GPtrArray *children; /* of JsonTree, in order; NULL for a scalar */
};

/* JSON_ERROR_FORMAT, JSON_ERROR_TOO_DEEP; the former also for a repeated name, and for text that cannot be stored. */
JsonTree *json_tree_parse(const char *text, gsize size, GError **error);
void json_tree_free(JsonTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonTree, json_tree_free)

/* The member of an object; NULL if there is none, or `tree` is NULL or not an object. */
const JsonTree *json_tree_get(const JsonTree *tree, const char *key);
/* The text of a non-empty string, otherwise NULL. */
const char *json_tree_string(const JsonTree *tree);
/* Number of members or elements; 0 for NULL and scalars. */
guint json_tree_size(const JsonTree *tree);
const JsonTree *json_tree_child(const JsonTree *tree, guint index);

/* Whether it is a boolean; FALSE for NULL. */
gboolean json_tree_is_boolean(const JsonTree *tree);
gboolean json_tree_is_true(const JsonTree *tree);
/* An integer without point and exponent, within the range; FALSE for anything else. */
gboolean json_tree_integer(const JsonTree *tree, gint64 lowest, gint64 highest, gint64 *ret_number);

/* Appends it as JSON. */
void json_tree_write(const JsonTree *tree, GString *out);
/* Appends it as PostgreSQL prints the same jsonb: members sorted by length of name, then by bytes; numbers without
 * exponent, with as many decimals as written. Numbers that decimal_parse() does not accept stay as written. */
void json_tree_write_jsonb(const JsonTree *tree, GString *out);
