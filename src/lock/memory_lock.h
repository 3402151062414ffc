/* The lock inside this process: one holder at a time, whatever the database. */
#pragma once

#include "lock/lock.h"

/* FALSE when it is held; `ret_holder` (may be NULL) then says by whom. */
gboolean memory_lock_take(const char *operation, const char *holder, BackupLockHolder *ret_holder);
void memory_lock_release(void);
/* TRUE and `ret_holder` filled when it is held. */
gboolean memory_lock_inspect(BackupLockHolder *ret_holder);
