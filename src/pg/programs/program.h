/* Finds PostgreSQL's programs on this machine.
 *
 * `bin_dirs` is PG_BIN_DIR: folders separated by colons, the only ones searched. NULL: searches the folders of PATH,
 * and where packages install the programs of each major version. */
#pragma once

#include <glib.h>

/* Path of a program: the first in `bin_dirs`, or else the newest; free with g_free. NULL with CONFIG if there is
 * none. */
char *pg_find_program(const char *bin_dirs, const char *name, GError **error);

/* The same for one major version ("15"): where packages install it, otherwise as pg_find_program. */
char *pg_find_program_of_version(const char *bin_dirs, const char *major_version, const char *name, GError **error);

/* All paths, in the order of the search, without Debian's wrapper, which only starts one of them. Free with
 * g_strfreev. */
char **pg_find_programs(const char *bin_dirs, const char *name);
