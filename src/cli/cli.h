/* The program: finds the command that is meant and turns its end into an exit code. */
#pragma once

/* Runs the program; returns its exit code. */
int cli_main(int argc, char **argv);
