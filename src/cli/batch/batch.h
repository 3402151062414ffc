/* The command `batch`: bulk changes. */
#pragma once

#include "cli/command/command.h"

gboolean cli_batch(CliContext *context, int argc, char **argv, GError **error);
