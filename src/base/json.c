#include "base/json.h"

#include <stdlib.h>

char *
json_to_text(const json_t *value)
{
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  char *copy = g_strdup(text);
  free(text);
  return copy;
}
