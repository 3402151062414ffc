/* The command `backup`: scheduled backups from the command line. */
#pragma once

#include "cli/command/command.h"

gboolean cli_backup(CliContext *context, int argc, char **argv, GError **error);
