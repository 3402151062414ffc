/* The program: finds the command, runs it, and turns its result into an exit code. */
#pragma once

/* Runs the program; returns its exit code. */
int cli_main(int argc, char **argv);
