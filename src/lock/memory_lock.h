/* The lock inside this process: one holder at a time, whatever the database. */
#pragma once

#include "lock/lock.h"

/* FALSE if it is held; `ret_holder` (may be NULL) gets the holder. */
gboolean memory_lock_take(const char *operation, const char *holder, BackupLockHolder *ret_holder);
void memory_lock_release(void);
/* TRUE, with `ret_holder` filled, if it is held. */
gboolean memory_lock_inspect(BackupLockHolder *ret_holder);
