/* The command `prices`: the price table. */
#pragma once

#include "cli/command/command.h"

gboolean cli_prices(CliContext *context, int argc, char **argv, GError **error);
