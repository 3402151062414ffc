#include "batch/fields/tags.h"

#include <string.h>

enum { MAX_TAG_CHARACTERS = 32 };

static BatchProblem
check_tag(const json_t *tag)
{
  if (!json_is_string(tag))
    return "not_a_string";
  const char *text = json_string_value(tag);
  g_autofree char *trimmed = g_strstrip(g_strdup(text));
  if (*text == '\0' || strcmp(trimmed, text) != 0)
    return "not_trimmed";
  return g_utf8_strlen(text, -1) > MAX_TAG_CHARACTERS ? "too_long" : NULL;
}

static gboolean
has_tag(const json_t *tags, const json_t *wanted)
{
  gsize i;
  const json_t *tag;
  json_array_foreach((json_t *)tags, i, tag)
    if (json_equal(tag, wanted))
      return TRUE;
  return FALSE;
}

BatchProblem
batch_tags_check(const BatchField *field, const json_t *tags)
{
  if (!json_is_array(tags))
    return "not_an_array";
  if (json_array_size(tags) > (gsize)field->highest)
    return "too_many";
  for (gsize i = 0; i < json_array_size(tags); i++) {
    BatchProblem problem = check_tag(json_array_get(tags, i));
    if (problem != NULL)
      return problem;
    for (gsize k = 0; k < i; k++)
      if (json_equal(json_array_get(tags, i), json_array_get(tags, k)))
        return "duplicate";
  }
  return NULL;
}

char *
batch_tags_value(const json_t *tags)
{
  char *text = json_dumps(tags, 0); /* with ", " between, as PostgreSQL */
  char *value = g_strdup(text);
  free(text);
  return value;
}

BatchProblem
batch_tags_change(const BatchField *field, const char *before, const json_t *add, const json_t *remove,
                  char **ret_value)
{
  g_autoptr(json_t) tags = before != NULL ? json_loads(before, 0, NULL) : NULL;
  g_autoptr(json_t) result = json_array();
  gsize i;
  json_t *tag;
  json_array_foreach(tags, i, tag)
    if (!has_tag(remove, tag))
      json_array_append(result, tag);
  json_array_foreach((json_t *)add, i, tag)
    if (!has_tag(result, tag))
      json_array_append(result, tag);
  if (json_array_size(result) > (gsize)field->highest)
    return "too_many";
  *ret_value = batch_tags_value(result);
  return NULL;
}
