#include "notify/kinds.h"

#include <string.h>

static const char *const names[] = {
#define NOTIFY_KIND(name, text, is_by_default) [NOTIFY_##name] = text,
#include "notify/kinds.def"
#undef NOTIFY_KIND
};

static const gboolean by_default[] = {
#define NOTIFY_KIND(name, text, is_by_default) [NOTIFY_##name] = is_by_default,
#include "notify/kinds.def"
#undef NOTIFY_KIND
};

const char *
notify_kind_name(NotifyKind kind)
{
  return names[kind];
}

gboolean
notify_kind_parse(const char *name, NotifyKind *ret_kind)
{
  for (NotifyKind kind = 0; kind < NOTIFY_N_KINDS; kind++)
    if (strcmp(names[kind], name) == 0) {
      *ret_kind = kind;
      return TRUE;
    }
  return FALSE;
}

gboolean
notify_kind_is_by_default(NotifyKind kind)
{
  return by_default[kind];
}
