/* A JSON value as a tree, for small ones: one model, one request. Scalars keep the text that was written. */
#pragma once

#include "base/scan.h"

typedef struct Tree Tree;

struct Tree {
  ScanToken type;      /* SCAN_OBJECT, SCAN_ARRAY, or a scalar's */
  char *key;           /* as a member: its name without escapes */
  char *text;          /* a scalar as written; a string without quotes and escapes */
  GPtrArray *children; /* of Tree, in order; NULL for a scalar */
};

/* PRICES_FORMAT, PRICES_TOO_DEEP; also for a name that comes twice, and for text that cannot be stored. */
Tree *tree_parse(const char *text, gsize size, GError **error);
void tree_free(Tree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

/* The member of an object; NULL when there is none, or `tree` is NULL or no object. */
const Tree *tree_get(const Tree *tree, const char *key);
/* The text of a string that is not empty, else NULL. */
const char *tree_string(const Tree *tree);
/* How many members or elements; 0 for NULL and scalars. */
guint tree_size(const Tree *tree);
const Tree *tree_child(const Tree *tree, guint index);

/* Appends it as JSON. */
void tree_write(const Tree *tree, GString *out);
