#include "base/error.h"
#include "base/os/child.h"
#include "base/os/directory.h"
#include "servers.h"
#include "upload/temp_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

enum {
  SIX_HOURS_S = 6 * 3600,
  PATIENCE_S = 60 /* limit of a wait, also on a loaded machine */
};

#define OURS "database_import_1769682600000_0123456789abcdef.dump"
#define HUBS "database_import_1769682600000_k3j9x2.dump"

static int
make_directory(void **state)
{
  *state = test_directory_new();
  return 0;
}

static int
remove_directory(void **state)
{
  test_directory_free(*state);
  return 0;
}

static char *
make_file(const char *directory, const char *name, guint age_s)
{
  char *path = g_build_filename(directory, name, NULL);
  assert_true(g_file_set_contents(path, "x", 1, NULL));
  gint64 then = g_get_real_time() / G_USEC_PER_SEC - age_s;
  struct timeval times[2] = {{.tv_sec = then}, {.tv_sec = then}};
  assert_int_equal(utimes(path, times), 0);
  return path;
}

static gboolean
is_there(const char *path)
{
  struct stat info;
  return lstat(path, &info) == 0;
}

static void
a_new_file_is_private_and_named_as_specified(void **state)
{
  g_autoptr(TempFile) file = temp_file_create(*state, "import", NULL);
  assert_non_null(file);
  struct stat info;
  assert_int_equal(fstat(temp_file_fd(file), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  assert_true(fcntl(temp_file_fd(file), F_GETFD) & FD_CLOEXEC);
  g_autofree char *name = g_path_get_basename(temp_file_path(file));
  assert_true(g_regex_match_simple("^database_import_[0-9]{13}_[0-9a-f]{16}\\.dump$", name, 0, 0));
}

static void
freeing_a_file_removes_it(void **state)
{
  TempFile *file = temp_file_create(*state, "import", NULL);
  g_autofree char *path = g_strdup(temp_file_path(file));
  assert_true(is_there(path));
  temp_file_free(file);
  assert_false(is_there(path));
}

static void
a_file_in_use_survives_a_sweep(void **state)
{
  g_autoptr(TempFile) file = temp_file_create(*state, "import", NULL);
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 0);
  assert_true(is_there(temp_file_path(file)));
}

static void
a_file_whose_owner_is_dead_goes_however_young(void **state)
{
  g_autofree char *path = make_file(*state, OURS, 0);
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 1);
  assert_false(is_there(path));
}

static void
a_file_too_old_goes_even_when_locked_and_its_owner_keeps_the_data(void **state)
{
  g_autoptr(TempFile) file = temp_file_create(*state, "import", NULL);
  assert_int_equal(write(temp_file_fd(file), "data", 4), 4);
  struct timeval long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
  assert_int_equal(utimes(temp_file_path(file), long_ago), 0);
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 1);
  assert_false(is_there(temp_file_path(file)));
  char data[4];
  assert_int_equal(pread(temp_file_fd(file), data, sizeof data, 0), 4);
  assert_memory_equal(data, "data", 4);
}

static void
a_file_of_the_hub_goes_only_when_old(void **state)
{
  g_autofree char *path = make_file(*state, HUBS, SIX_HOURS_S - 100);
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 0);
  assert_true(is_there(path));
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S - 200, NULL), 1);
  assert_false(is_there(path));
}

static void
other_names_are_left_alone(void **state)
{
  const char *names[] = {"database_import_.dump",        "database__1_a.dump",
                         "database_import_1_a.dump.bak", "database_import_x_a.dump",
                         "database_import_1_a-b.dump",   "xdatabase_import_1_a.dump",
                         "database_import_1_a.sql",      "backup_2026-01-29T10-30-00.dump"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    g_free(make_file(*state, names[i], 10 * SIX_HOURS_S));
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 0);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = g_build_filename(*state, names[i], NULL);
    assert_true(is_there(path));
  }
}

static void
links_directories_and_pipes_of_that_name_are_left_alone(void **state)
{
  g_autofree char *precious = make_file(*state, "precious", 10 * SIX_HOURS_S);
  g_autofree char *link_path = g_build_filename(*state, OURS, NULL);
  g_autofree char *directory = g_build_filename(*state, "database_import_1_0123456789abcde0.dump", NULL);
  g_autofree char *pipe_path = g_build_filename(*state, "database_import_1_0123456789abcde1.dump", NULL);
  assert_int_equal(symlink(precious, link_path), 0);
  assert_int_equal(mkdir(directory, 0700), 0);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  assert_int_equal(temp_file_sweep(*state, 0, NULL), 0);
  assert_true(is_there(precious) && is_there(link_path) && is_there(directory) && is_there(pipe_path));
}

static void
another_users_file_is_left_alone(void **state)
{
  if (geteuid() != 0)
    skip();
  g_autofree char *path = make_file(*state, OURS, 10 * SIX_HOURS_S);
  assert_int_equal(chown(path, 65534, 65534), 0);
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 0);
  assert_true(is_there(path));
}

/* Another run of this program, which owns a file and dies without freeing it. */
static void
be_an_owner(const char *directory)
{
  TempFile *file = temp_file_create(directory, "import", NULL);
  if (file == NULL || write(STDOUT_FILENO, ".", 1) != 1)
    _exit(1);
  for (;;)
    pause();
}

static void
a_killed_owner_leaves_a_file_that_is_swept(void **state)
{
  g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
  const char *argv[] = {self, "owner", *state, NULL};
  g_autoptr(ChildProcess) owner = child_process_spawn(&(ChildOptions){.argv = argv, .capture_stdout = TRUE}, NULL);
  char ready;
  assert_int_equal(read(child_process_stdout(owner), &ready, 1), 1);
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 0);
  child_process_signal(owner, SIGKILL);
  assert_true(child_process_wait(owner, -1, NULL));
  assert_int_equal(temp_file_sweep(*state, SIX_HOURS_S, NULL), 1);
}

static gpointer
sweep_until_told(gpointer user_data)
{
  const char *directory = ((gpointer *)user_data)[0];
  gint *is_done = ((gpointer *)user_data)[1];
  while (!g_atomic_int_get(is_done))
    temp_file_sweep(directory, SIX_HOURS_S, NULL);
  return NULL;
}

static void
a_sweep_never_takes_a_file_from_its_creator(void **state)
{
  gint is_done = 0;
  gpointer shared[] = {*state, &is_done};
  GThread *sweeper = g_thread_new("sweeper", sweep_until_told, shared);
  gboolean all_there = TRUE;
  for (int i = 0; i < 3000; i++) {
    g_autoptr(TempFile) file = temp_file_create(*state, "import", NULL);
    all_there = all_there && file != NULL && is_there(temp_file_path(file));
  }
  g_atomic_int_set(&is_done, 1);
  g_thread_join(sweeper);
  assert_true(all_there);
}

static void
an_unreadable_directory_is_an_error(void **state)
{
  g_autofree char *absent = g_build_filename(*state, "absent", NULL);
  g_autoptr(GError) error = NULL;
  assert_int_equal(temp_file_sweep(absent, 0, &error), 0);
  assert_int_equal(error_code(error), CCH_ERROR_FILE);
  g_clear_error(&error);
  assert_null(temp_file_create(absent, "import", &error));
  assert_int_equal(error_code(error), CCH_ERROR_FILE);
}

static void
missing_space_is_told_beforehand(void **state)
{
  g_autoptr(GError) error = NULL;
  assert_true(directory_check_free_space(*state, 1, NULL));
  assert_false(directory_check_free_space(*state, G_MAXUINT64, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DISK_FULL);
}

static gboolean
gone_within_s(const char *path, int timeout_s)
{
  for (gint64 end_us = g_get_monotonic_time() + (gint64)timeout_s * G_USEC_PER_SEC; is_there(path);) {
    if (g_get_monotonic_time() > end_us)
      return FALSE;
    g_usleep(10 * 1000);
  }
  return TRUE;
}

static void
the_janitor_sweeps_at_start(void **state)
{
  g_autofree char *path = make_file(*state, OURS, 0);
  g_autoptr(TempFileJanitor) janitor = temp_file_janitor_start(*state, SIX_HOURS_S, SIX_HOURS_S);
  assert_true(gone_within_s(path, PATIENCE_S)); /* the next sweep is hours away */
}

static void
the_janitor_sweeps_again_and_again(void **state)
{
  g_autoptr(TempFileJanitor) janitor = temp_file_janitor_start(*state, 1, SIX_HOURS_S);
  for (int i = 0; i < 3; i++) { /* the sweep at the start removes at most one */
    g_autofree char *path = make_file(*state, OURS, 0);
    assert_true(gone_within_s(path, PATIENCE_S));
  }
}

int
main(int argc, char **argv)
{
  if (argc == 3 && strcmp(argv[1], "owner") == 0)
    be_an_owner(argv[2]);
#define TEMP_FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
  const struct CMUnitTest tests[] = {
      TEMP_FILE_TEST(a_new_file_is_private_and_named_as_specified),
      TEMP_FILE_TEST(freeing_a_file_removes_it),
      TEMP_FILE_TEST(a_file_in_use_survives_a_sweep),
      TEMP_FILE_TEST(a_file_whose_owner_is_dead_goes_however_young),
      TEMP_FILE_TEST(a_file_too_old_goes_even_when_locked_and_its_owner_keeps_the_data),
      TEMP_FILE_TEST(a_file_of_the_hub_goes_only_when_old),
      TEMP_FILE_TEST(other_names_are_left_alone),
      TEMP_FILE_TEST(links_directories_and_pipes_of_that_name_are_left_alone),
      TEMP_FILE_TEST(another_users_file_is_left_alone),
      TEMP_FILE_TEST(a_killed_owner_leaves_a_file_that_is_swept),
      TEMP_FILE_TEST(a_sweep_never_takes_a_file_from_its_creator),
      TEMP_FILE_TEST(an_unreadable_directory_is_an_error),
      TEMP_FILE_TEST(missing_space_is_told_beforehand),
      TEMP_FILE_TEST(the_janitor_sweeps_at_start),
      TEMP_FILE_TEST(the_janitor_sweeps_again_and_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
