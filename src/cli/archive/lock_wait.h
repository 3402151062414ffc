/* --wait SECONDS: for another backup operation to end. */
#pragma once

#include "cli/command/command.h"
#include "lock/lock.h"

/* The option; what it is given is in context->wait_s. */
GOptionEntry cli_wait_entry(CliContext *context);

/* For the lock of a command: says once on standard error whom it waits for. Valid as long as the context. */
BackupLockWait cli_lock_wait(CliContext *context);
