/* PostgreSQL's own programs on this machine.
 *
 * `bin_dirs` is PG_BIN_DIR: folders separated by colons, which are searched alone. NULL: the folders of PATH, and where
 * packages put the programs of each major version. */
#pragma once

#include <glib.h>

/* Path of a program: the first in `bin_dirs`, or else the newest; free with g_free. NULL with CONFIG when there is
 * none. */
char *pg_find_program(const char *bin_dirs, const char *name, GError **error);

/* The same for one major version ("15"): where packages keep it, else as pg_find_program. */
char *pg_find_program_of_version(const char *bin_dirs, const char *major_version, const char *name, GError **error);

/* Paths of all that there are, in the order of search; Debian's wrapper, which only starts one of them, is left out.
 * Free with g_strfreev. */
char **pg_find_programs(const char *bin_dirs, const char *name);
