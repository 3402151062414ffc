/* The kinds of messages; see kinds.def. */
#pragma once

#include <glib.h>

typedef enum {
#define NOTIFY_KIND(name, text, is_by_default) NOTIFY_##name,
#include "notify/kinds.def"
#undef NOTIFY_KIND
  NOTIFY_N_KINDS
} NotifyKind;

/* "backup_failed". */
const char *notify_kind_name(NotifyKind kind);
gboolean notify_kind_parse(const char *name, NotifyKind *ret_kind);
/* Whether a new channel gets it. */
gboolean notify_kind_is_by_default(NotifyKind kind);
