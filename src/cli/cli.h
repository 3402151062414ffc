/* The subcommands, one file each. argv[0] is the subcommand's name; returns the exit code. */
#pragma once

int cli_serve(int argc, char **argv);
