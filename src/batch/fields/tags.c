#include "batch/fields/tags.h"

#include <string.h>

enum { MAX_TAG_CHARACTERS = 32 };

static BatchProblem
check_tag(const JsonTree *tag)
{
  if (tag->type != JSON_TOKEN_STRING)
    return "not_a_string";
  g_autofree char *trimmed = g_strstrip(g_strdup(tag->text));
  if (*tag->text == '\0' || strcmp(trimmed, tag->text) != 0)
    return "not_trimmed";
  return g_utf8_strlen(tag->text, -1) > MAX_TAG_CHARACTERS ? "too_long" : NULL;
}

BatchProblem
batch_tags_check(const BatchField *field, const JsonTree *tags)
{
  if (tags->type != JSON_TOKEN_ARRAY)
    return "not_an_array";
  if (json_tree_size(tags) > (guint)field->highest)
    return "too_many";
  for (guint i = 0; i < json_tree_size(tags); i++) {
    const JsonTree *tag = json_tree_child(tags, i);
    BatchProblem problem = check_tag(tag);
    if (problem != NULL)
      return problem;
    for (guint k = 0; k < i; k++)
      if (strcmp(json_tree_child(tags, k)->text, tag->text) == 0)
        return "duplicate";
  }
  return NULL;
}

GStrv
batch_tags_names(const JsonTree *tags)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  for (guint i = 0; i < json_tree_size(tags); i++)
    g_strv_builder_add(names, json_tree_child(tags, i)->text);
  return g_strv_builder_end(names);
}

char *
batch_tags_value(const JsonTree *tags)
{
  g_autoptr(GString) text = g_string_new(NULL);
  json_tree_write_jsonb(tags, text);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean
has_tag(const JsonTree *tags, const char *name)
{
  for (guint i = 0; i < json_tree_size(tags); i++)
    if (g_strcmp0(json_tree_string(json_tree_child(tags, i)), name) == 0)
      return TRUE;
  return FALSE;
}

BatchProblem
batch_tags_change(const BatchField *field, const char *before, const char *const *add, const char *const *remove,
                  char **ret_value)
{
  g_autoptr(JsonTree) tags = before != NULL ? json_tree_parse(before, strlen(before), NULL) : NULL;
  g_autoptr(GString) text = g_string_new("[");
  guint n = 0;
  for (guint i = 0; tags != NULL && tags->type == JSON_TOKEN_ARRAY && i < json_tree_size(tags); i++) {
    const JsonTree *tag = json_tree_child(tags, i);
    if (remove != NULL && tag->type == JSON_TOKEN_STRING && g_strv_contains(remove, tag->text))
      continue;
    g_string_append(text, n++ > 0 ? ", " : "");
    json_tree_write_jsonb(tag, text);
  }
  for (; add != NULL && *add != NULL; add++) {
    if (has_tag(tags, *add) && (remove == NULL || !g_strv_contains(remove, *add)))
      continue;
    g_string_append(text, n++ > 0 ? ", " : "");
    json_quote(text, *add);
  }
  if (n > (guint)field->highest)
    return "too_many";
  g_string_append_c(text, ']');
  *ret_value = g_strdup(text->str);
  return NULL;
}
