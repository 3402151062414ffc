/* PostgreSQL's own programs on this machine. */
#pragma once

#include <glib.h>

/* Path of a PostgreSQL program: in `pg_bin_dir` if given, else the newest of PATH and /usr/lib/postgresql/<n>/bin; free
 * with g_free. NULL with CONFIG when there is none. */
char *pg_find_program(const char *pg_bin_dir, const char *name, GError **error);

/* The same for one major version ("15"): where Debian keeps it, else as pg_find_program. */
char *pg_find_program_of_version(const char *pg_bin_dir, const char *major_version, const char *name, GError **error);
