/* The program: finds the command, runs it, and returns its exit code. */
#pragma once

/* Runs the program; returns its exit code. */
int cli_main(int argc, char **argv);
