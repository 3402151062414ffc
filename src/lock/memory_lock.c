#include "lock/memory_lock.h"

static GMutex mutex;
static BackupLockHolder current; /* guarded by the mutex */

static void
copy_current(BackupLockHolder *ret_holder)
{
  ret_holder->is_held = TRUE;
  ret_holder->operation = g_strdup(current.operation);
  ret_holder->holder = g_strdup(current.holder);
  ret_holder->since = g_strdup(current.since);
}

gboolean
memory_lock_take(const char *operation, const char *holder, BackupLockHolder *ret_holder)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
  if (current.is_held) {
    if (ret_holder != NULL)
      copy_current(ret_holder);
    return FALSE;
  }
  current.is_held = TRUE;
  current.operation = g_strdup(operation);
  current.holder = g_strdup(holder);
  current.since = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
  return TRUE;
}

void
memory_lock_release(void)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
  backup_lock_holder_clear(&current);
}

gboolean
memory_lock_inspect(BackupLockHolder *ret_holder)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
  if (current.is_held)
    copy_current(ret_holder);
  return current.is_held;
}
