/* The database that a command works on: DSN, or the private cluster of the data directory, which is started for the
 * command unless it runs already. */
#pragma once

#include "cli/command/command.h"

typedef struct CliTarget CliTarget;

CliTarget *cli_target_open(const CliContext *context, GError **error);
/* If a database was named and Redis was not: notes that the hub is not told, and its lock is not checked. */
void cli_target_note_redis(const CliContext *context);
const char *cli_target_dsn(const CliTarget *target);
void cli_target_close(CliTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CliTarget, cli_target_close)
