#include "prices/sync/sync_checks.h"

#include "base/error.h"

#include <string.h>

enum {
  CHECK_LIFE_S = 600,
  MAX_CHECKS = 4 /* one for each of this many administrators */
};

struct SyncChecks {
  GMutex mutex;
  GPtrArray *checks; /* of SyncCheck, the newest last */
};

void
sync_check_free(SyncCheck *check)
{
  if (check == NULL)
    return;
  g_free(check->id);
  g_free(check->operator_name);
  g_free(check->state);
  download_clear(&check->download);
  g_free(check);
}

static void
free_element(gpointer check)
{
  sync_check_free(check);
}

SyncChecks *
sync_checks_new(void)
{
  SyncChecks *checks = g_new0(SyncChecks, 1);
  g_mutex_init(&checks->mutex);
  checks->checks = g_ptr_array_new_with_free_func(free_element);
  return checks;
}

void
sync_checks_free(SyncChecks *checks)
{
  g_ptr_array_unref(checks->checks);
  g_mutex_clear(&checks->mutex);
  g_free(checks);
}

/* Called with the mutex held. */
static void
drop_old_checks(SyncChecks *checks)
{
  GPtrArray *all = checks->checks;
  gint64 oldest_us = g_get_monotonic_time() - (gint64)CHECK_LIFE_S * G_USEC_PER_SEC;
  while (all->len > 0 && (all->len > MAX_CHECKS || ((SyncCheck *)g_ptr_array_index(all, 0))->made_us < oldest_us))
    g_ptr_array_remove_index(all, 0);
}

gboolean
sync_checks_take(SyncChecks *checks, const char *id, const char *operator_name, SyncCheck **ret_check, GError **error)
{
  *ret_check = NULL;
  g_mutex_lock(&checks->mutex);
  drop_old_checks(checks);
  for (guint i = checks->checks->len; i-- > 0 && *ret_check == NULL;) {
    const SyncCheck *check = g_ptr_array_index(checks->checks, i);
    if (id != NULL ? strcmp(check->id, id) == 0 : g_strcmp0(check->operator_name, operator_name) == 0)
      *ret_check = g_ptr_array_steal_index(checks->checks, i);
  }
  g_mutex_unlock(&checks->mutex);
  if (id == NULL || *ret_check != NULL)
    return TRUE;
  error_set(error, CCH_ERROR_PRICES_STALE, "that check is too old, or has been used, or is of another instance");
  return FALSE;
}

void
sync_checks_keep(SyncChecks *checks, SyncCheck *check)
{
  g_mutex_lock(&checks->mutex);
  for (guint i = checks->checks->len; i-- > 0;)
    if (g_strcmp0(((SyncCheck *)g_ptr_array_index(checks->checks, i))->operator_name, check->operator_name) == 0)
      g_ptr_array_remove_index(checks->checks, i);
  g_ptr_array_add(checks->checks, check);
  drop_old_checks(checks);
  g_mutex_unlock(&checks->mutex);
}
