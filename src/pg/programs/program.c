#include "pg/programs/program.h"

#include "base/error.h"
#include "base/os/child.h"

#include <stdlib.h>
#include <string.h>

/* Where packages install the programs of each major version: Debian's, and the PostgreSQL project's for Red Hat. */
static const struct {
  const char *parent, *prefix;
} places[] = {{"/usr/lib/postgresql", ""}, {"/usr", "pgsql-"}};

static char *
program_in(const char *directory, const char *name)
{
  char *path = g_build_filename(directory, name, NULL);
  if (!g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) || g_file_test(path, G_FILE_TEST_IS_DIR))
    g_clear_pointer(&path, g_free);
  return path;
}

static char *
program_of_version(const char *major_version, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
    g_autofree char *directory = g_strdup_printf("%s/%s%s/bin", places[i].parent, places[i].prefix, major_version);
    char *path = program_in(directory, name);
    if (path != NULL)
      return path;
  }
  return NULL;
}

/* Adds the programs of all versions; *ret_newest gets the newest major version, or 0. */
static void
add_versions(GPtrArray *paths, const char *name, guint64 *ret_newest)
{
  *ret_newest = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
    g_autoptr(GDir) directory = g_dir_open(places[i].parent, 0, NULL);
    for (const char *entry; directory != NULL && (entry = g_dir_read_name(directory)) != NULL;) {
      guint64 major = 0;
      if (!g_str_has_prefix(entry, places[i].prefix) ||
          !g_ascii_string_to_unsigned(entry + strlen(places[i].prefix), 10, 1, 9999, &major, NULL))
        continue;
      g_autofree char *bin = g_build_filename(places[i].parent, entry, "bin", NULL);
      char *path = program_in(bin, name);
      if (path == NULL)
        continue;
      /* The newest first. */
      g_ptr_array_insert(paths, major > *ret_newest ? 0 : -1, path);
      *ret_newest = MAX(*ret_newest, major);
    }
  }
}

/* The major version in "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", or 0. */
static guint64
ask_major_version(const char *path)
{
  const ChildOptions options = {.argv = (const char *const[]){path, "--version", NULL}, .run_timeout_ms = 10000};
  g_autofree char *answer = child_process_run(&options, NULL, NULL);
  const char *version = answer != NULL ? strstr(answer, "(PostgreSQL) ") : NULL;
  return version != NULL ? g_ascii_strtoull(version + strlen("(PostgreSQL) "), NULL, 10) : 0;
}

/* Debian's wrapper script in PATH only finds one of the others, and Perl takes longer to start than pg_dump. */
static gboolean
is_debian_wrapper(const char *path)
{
  g_autofree char *resolved = realpath(path, NULL);
  return resolved != NULL && g_str_has_suffix(resolved, "/postgresql-common/pg_wrapper");
}

static void
add_from_list(GPtrArray *paths, const char *directories, const char *name)
{
  g_auto(GStrv) list = g_strsplit(directories, ":", -1);
  for (char **directory = list; *directory != NULL; directory++) {
    g_autofree char *path = **directory != '\0' ? program_in(*directory, name) : NULL;
    if (path != NULL && !is_debian_wrapper(path))
      g_ptr_array_add(paths, g_steal_pointer(&path));
  }
}

char **
pg_find_programs(const char *bin_dirs, const char *name)
{
  GPtrArray *paths = g_ptr_array_new();
  guint64 newest = 0;
  if (bin_dirs == NULL)
    add_versions(paths, name, &newest);
  const char *list = bin_dirs != NULL ? bin_dirs : g_getenv("PATH");
  add_from_list(paths, list != NULL ? list : "/usr/local/bin:/usr/bin:/bin", name);
  g_ptr_array_add(paths, NULL);
  return (char **)g_ptr_array_free(paths, FALSE);
}

char *
pg_find_program(const char *bin_dirs, const char *name, GError **error)
{
  g_auto(GStrv) given = bin_dirs != NULL ? pg_find_programs(bin_dirs, name) : NULL;
  if (given != NULL) {
    if (given[0] == NULL)
      error_set(error, CCH_ERROR_CONFIG, "PG_BIN_DIR: there is no program %s in %s", name, bin_dirs);
    return g_strdup(given[0]);
  }
  g_autoptr(GPtrArray) versions = g_ptr_array_new_with_free_func(g_free);
  guint64 major = 0;
  add_versions(versions, name, &major);
  const char *newest = versions->len > 0 ? versions->pdata[0] : NULL;
  g_autofree char *in_path = g_find_program_in_path(name);
  if (newest != NULL && (in_path == NULL || is_debian_wrapper(in_path) || ask_major_version(in_path) <= major))
    return g_strdup(newest);
  if (in_path == NULL)
    error_set(error, CCH_ERROR_CONFIG, "%s: not found in PATH or %s; install PostgreSQL or set PG_BIN_DIR", name,
              places[0].parent);
  return g_steal_pointer(&in_path);
}

char *
pg_find_program_of_version(const char *bin_dirs, const char *major_version, const char *name, GError **error)
{
  g_autofree char *path = bin_dirs == NULL ? program_of_version(major_version, name) : NULL;
  return path != NULL ? g_steal_pointer(&path) : pg_find_program(bin_dirs, name, error);
}
