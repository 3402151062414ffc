/* The commands that set up a database, and the service. */
#pragma once

#include "cli/command/command.h"

gboolean cli_check(CliContext *context, int argc, char **argv, GError **error);
gboolean cli_demo(CliContext *context, int argc, char **argv, GError **error);
gboolean cli_migrate(CliContext *context, int argc, char **argv, GError **error);
gboolean cli_serve(CliContext *context, int argc, char **argv, GError **error);
