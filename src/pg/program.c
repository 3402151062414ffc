#include "pg/program.h"

#include "base/child.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Where Debian's packages keep the programs of each major version. */
#define VERSIONS_DIR "/usr/lib/postgresql"

static char *
program_of_version(const char *major_version, const char *name)
{
  char *path = g_build_filename(VERSIONS_DIR, major_version, "bin", name, NULL);
  if (!g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
    g_clear_pointer(&path, g_free);
  return path;
}

/* The newest in VERSIONS_DIR, or NULL with *ret_major 0. */
static char *
newest_of_versions(const char *name, guint64 *ret_major)
{
  *ret_major = 0;
  g_autofree char *newest = NULL;
  g_autoptr(GDir) directory = g_dir_open(VERSIONS_DIR, 0, NULL);
  for (const char *entry; directory != NULL && (entry = g_dir_read_name(directory)) != NULL;) {
    guint64 major = 0;
    if (!g_ascii_string_to_unsigned(entry, 10, *ret_major + 1, 9999, &major, NULL))
      continue;
    g_autofree char *path = program_of_version(entry, name);
    if (path == NULL)
      continue;
    g_free(newest);
    newest = g_steal_pointer(&path);
    *ret_major = major;
  }
  return g_steal_pointer(&newest);
}

/* The major version in "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", or 0. */
static guint64
ask_major_version(const char *path)
{
  const ChildOptions options = {.argv = (const char *const[]){path, "--version", NULL}};
  g_autofree char *answer = child_process_run(&options, NULL, NULL);
  const char *version = answer != NULL ? strstr(answer, "(PostgreSQL) ") : NULL;
  return version != NULL ? g_ascii_strtoull(version + strlen("(PostgreSQL) "), NULL, 10) : 0;
}

/* Debian's wrapper script in PATH would only find one of VERSIONS_DIR again, and Perl takes longer to start than
 * pg_dump. */
static gboolean
is_debian_wrapper(const char *path)
{
  g_autofree char *resolved = realpath(path, NULL);
  return resolved != NULL && g_str_has_suffix(resolved, "/postgresql-common/pg_wrapper");
}

char *
pg_find_program(const char *pg_bin_dir, const char *name, GError **error)
{
  if (pg_bin_dir != NULL) {
    g_autofree char *given = g_build_filename(pg_bin_dir, name, NULL);
    if (g_file_test(given, G_FILE_TEST_IS_EXECUTABLE) && !g_file_test(given, G_FILE_TEST_IS_DIR))
      return g_steal_pointer(&given);
    error_set(error, CCH_ERROR_CONFIG, "PG_BIN_DIR: there is no program %s in %s", name, pg_bin_dir);
    return NULL;
  }
  guint64 major = 0;
  g_autofree char *newest = newest_of_versions(name, &major);
  g_autofree char *in_path = g_find_program_in_path(name);
  if (in_path != NULL && newest != NULL && is_debian_wrapper(in_path))
    return g_steal_pointer(&newest);
  if (in_path != NULL && (newest == NULL || ask_major_version(in_path) > major))
    return g_steal_pointer(&in_path);
  if (newest == NULL)
    error_set(error, CCH_ERROR_CONFIG,
              "%s: not found in PATH or " VERSIONS_DIR "; install PostgreSQL or set PG_BIN_DIR", name);
  return g_steal_pointer(&newest);
}

char *
pg_find_program_of_version(const char *pg_bin_dir, const char *major_version, const char *name, GError **error)
{
  g_autofree char *path = pg_bin_dir == NULL ? program_of_version(major_version, name) : NULL;
  return path != NULL ? g_steal_pointer(&path) : pg_find_program(pg_bin_dir, name, error);
}
