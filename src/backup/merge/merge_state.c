#include "backup/merge/merge_private.h"

Merge *
merge_of(const Restore *restore)
{
  return restore_way_state(restore);
}

gboolean
merge_switch_off(Restore *restore, const char *off, const char *put_back, GError **error)
{
  if (!restore_run_sql(restore, off, error))
    return FALSE;
  g_ptr_array_add(merge_of(restore)->put_back, g_strdup(put_back));
  return TRUE;
}
