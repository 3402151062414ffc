/* The commands that write, read and apply archives. */
#pragma once

#include "cli/command/command.h"

gboolean cli_export(CliContext *context, int argc, char **argv, GError **error);
gboolean cli_import(CliContext *context, int argc, char **argv, GError **error);
gboolean cli_inspect(CliContext *context, int argc, char **argv, GError **error);
gboolean cli_verify(CliContext *context, int argc, char **argv, GError **error);
