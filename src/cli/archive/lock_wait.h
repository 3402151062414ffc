/* --wait SECONDS: waits for another backup operation to end. */
#pragma once

#include "cli/command/command.h"
#include "lock/lock.h"

/* The option; its value goes to context->wait_s. */
GOptionEntry cli_wait_entry(CliContext *context);

/* For a command's lock: reports once, on standard error, whom it waits for. Valid as long as the context. */
BackupLockWait cli_lock_wait(CliContext *context);
