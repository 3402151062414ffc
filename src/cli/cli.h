/* The program: finds the command, runs it, and returns its exit code. */
#pragma once

#include "cli/command/command.h"

/* All commands; the last one has a NULL name. */
extern const CliCommand cli_commands[];

/* Tells the options of a command, or of each of its verbs, in this language. */
void cli_describe(const CliCommand *command, Language language, CliDescribeFunc describe, gpointer user_data);

/* Runs the program; returns its exit code. */
int cli_main(int argc, char **argv);
