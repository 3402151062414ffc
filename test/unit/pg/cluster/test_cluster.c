#include "base/error.h"
#include "base/os/child.h"
#include "pg/cluster/cluster.h"
#include "pg/connection/connection.h"

#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs four of the above. */
#include <cmocka.h>

static char *top;         /* directory of everything that the tests create */
static char *data_dir;    /* of the cluster that most tests share, because initdb takes seconds */
static char *own_program; /* this test, as another process that opens a cluster */

static PgCluster *
open_at(const char *path, GError **error)
{
  const PgClusterOptions options = {.data_dir = path, .user = "postgres"};
  return pg_cluster_open(&options, NULL, error);
}

static PgCluster *
open_good(void)
{
  g_autoptr(GError) error = NULL;
  PgCluster *cluster = open_at(data_dir, &error);
  if (cluster == NULL)
    fail_msg("%s", error->message);
  return cluster;
}

static char *
ask(const PgCluster *cluster, const char *sql)
{
  g_autoptr(PgConnection) connection = pg_connection_open(pg_cluster_dsn(cluster), "test", NULL, NULL);
  char *value = NULL;
  if (connection != NULL)
    pg_connection_value(connection, &value, NULL, sql, 0);
  return value;
}

/* Asks until there is an answer: a killed server takes a moment to return. */
static char *
ask_patiently(const PgCluster *cluster, const char *sql)
{
  char *value = NULL;
  for (int i = 0; i < 600 && (value = ask(cluster, sql)) == NULL; i++)
    g_usleep(50000);
  return value;
}

static char *
in_data_dir(const char *name)
{
  return g_build_filename(data_dir, "postgresql", name, NULL);
}

static pid_t
postmaster_pid(void)
{
  g_autofree char *path = in_data_dir("data/postmaster.pid");
  g_autofree char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) ? (pid_t)g_ascii_strtoll(text, NULL, 10) : 0;
}

/* Waits until no process has this PID. */
static gboolean
is_gone_soon(pid_t pid)
{
  for (int i = 0; i < 600 && kill(pid, 0) == 0; i++)
    g_usleep(50000);
  return kill(pid, 0) != 0;
}

static void
the_first_open_makes_a_cluster_and_closing_stops_it(void **state)
{
  (void)state;
  g_autoptr(PgCluster) cluster = open_good();
  assert_true(pg_cluster_is_new(cluster));
  pid_t pid = postmaster_pid();
  assert_int_equal(kill(pid, 0), 0);
  g_autofree char *settings =
      ask(cluster, "SELECT concat_ws(' ', current_setting('server_encoding'), current_setting('data_checksums'),"
                   " '<' || current_setting('listen_addresses') || '>', current_database())");
  assert_string_equal(settings, "UTF8 on <> cch");
  g_autoptr(PgConnection) connection = pg_connection_open(pg_cluster_dsn(cluster), "test", NULL, NULL);
  assert_true(pg_connection_exec(connection, "CREATE TABLE public.kept AS SELECT 42 AS answer", NULL));
  pg_cluster_close(g_steal_pointer(&cluster)); /* does not wait for our connection */
  assert_int_not_equal(kill(pid, 0), 0);
  assert_int_equal(postmaster_pid(), 0);
}

static void
the_next_open_finds_the_data(void **state)
{
  (void)state;
  g_autoptr(PgCluster) cluster = open_good();
  assert_false(pg_cluster_is_new(cluster));
  g_autofree char *answer = ask(cluster, "SELECT answer FROM public.kept");
  assert_string_equal(answer, "42");
}

static void
nobody_else_can_enter_it(void **state)
{
  (void)state;
  const char *const names[] = {"", "data", "socket"};
  uid_t owner = geteuid() != 0 ? geteuid() : getpwnam("postgres")->pw_uid;
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = in_data_dir(names[i]);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(info.st_uid, owner);
  }
}

static void
a_second_user_finds_it_running_and_takes_it_over(void **state)
{
  (void)state;
  g_autoptr(PgCluster) first = open_good();
  pid_t first_pid = postmaster_pid();
  g_autoptr(PgCluster) second = open_good();
  assert_int_equal(postmaster_pid(), first_pid);
  g_autoptr(PgCluster) third = open_good();
  pg_cluster_close(g_steal_pointer(&third)); /* the end of a mere user ends nothing */
  assert_int_equal(kill(first_pid, 0), 0);
  pg_cluster_close(g_steal_pointer(&first));
  g_autofree char *answer = ask_patiently(second, "SELECT answer FROM public.kept");
  assert_string_equal(answer, "42");
  assert_int_not_equal(postmaster_pid(), first_pid);
}

static void
a_killed_server_is_started_again(void **state)
{
  (void)state;
  g_autoptr(PgCluster) cluster = open_good();
  pid_t pid = postmaster_pid();
  assert_int_equal(kill(pid, SIGKILL), 0);
  g_autofree char *answer = NULL;
  for (int i = 0; i < 600 && (answer == NULL || postmaster_pid() == pid); i++) {
    g_free(answer);
    answer = ask(cluster, "SELECT answer FROM public.kept");
    g_usleep(50000);
  }
  assert_string_equal(answer, "42");
  assert_int_not_equal(postmaster_pid(), pid);
}

/* Another process that opens the cluster at `path` and then waits; its first line on standard output is "open". */
static ChildProcess *
spawn_opener(const char *path, uid_t uid, gid_t gid)
{
  const ChildOptions options = {
      .argv = (const char *const[]){own_program, "open", path, NULL},
      .directory = "/",
      .capture_stdout = TRUE,
      .uid = uid,
      .gid = gid,
  };
  ChildProcess *child = child_process_spawn(&options, NULL);
  assert_non_null(child);
  return child;
}

static void
await_opener(ChildProcess *opener)
{
  char line[8] = "";
  if (read(child_process_stdout(opener), line, sizeof line - 1) <= 0) {
    child_process_wait(opener, 10000, NULL);
    g_autofree char *complaint = child_process_stderr(opener);
    fail_msg("%s", complaint);
  }
  assert_string_equal(line, "open\n");
}

static void
the_server_ends_with_a_killed_starter_and_the_next_start_has_its_data(void **state)
{
  (void)state;
  g_autoptr(ChildProcess) opener = spawn_opener(data_dir, 0, 0);
  await_opener(opener);
  pid_t pid = postmaster_pid();
  child_process_signal(opener, SIGKILL);
  assert_true(child_process_wait(opener, 10000, NULL));
  g_autoptr(PgCluster) cluster = open_good(); /* at once, while the old server shuts down */
  assert_int_not_equal(postmaster_pid(), pid);
  assert_true(is_gone_soon(pid));
  g_autofree char *answer = ask(cluster, "SELECT answer FROM public.kept");
  assert_string_equal(answer, "42");
}

static void
no_server_is_left_when_its_starter_is_killed(void **state)
{
  (void)state;
  g_autoptr(ChildProcess) opener = spawn_opener(data_dir, 0, 0);
  await_opener(opener);
  pid_t pid = postmaster_pid();
  child_process_signal(opener, SIGKILL);
  assert_true(is_gone_soon(pid));
}

static void
an_initdb_that_was_killed_is_done_again(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(top, "killed", NULL);
  g_autoptr(ChildProcess) opener = spawn_opener(path, 0, 0);
  g_autofree char *base = g_build_filename(path, "postgresql", NULL);
  g_autofree char *data = g_build_filename(base, "data", NULL);
  const char *half_made = NULL;
  for (int i = 0; i < 1000 && half_made == NULL; i++) {
    g_autoptr(GDir) directory = g_dir_open(base, 0, NULL);
    for (const char *name; directory != NULL && (name = g_dir_read_name(directory)) != NULL;)
      if (g_str_has_prefix(name, "data.new-"))
        half_made = g_intern_string(name);
    g_usleep(10000);
  }
  assert_non_null(half_made);
  child_process_signal(opener, SIGKILL);
  assert_true(child_process_wait(opener, 10000, NULL));
  assert_false(g_file_test(data, G_FILE_TEST_EXISTS));

  g_autoptr(GError) error = NULL;
  g_autoptr(PgCluster) cluster = open_at(path, &error);
  if (cluster == NULL)
    fail_msg("%s", error->message);
  assert_true(pg_cluster_is_new(cluster));
  g_autofree char *left = g_build_filename(base, half_made, NULL);
  assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
}

static void
what_is_no_cluster_is_not_touched(void **state)
{
  (void)state;
  g_autofree char *data = in_data_dir("data");
  g_autofree char *version = in_data_dir("data/PG_VERSION");
  g_autofree char *elsewhere = in_data_dir("data/elsewhere");
  assert_int_equal(rename(version, elsewhere), 0);
  g_autoptr(GError) error = NULL;
  assert_null(open_at(data_dir, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CLUSTER_FAILED);
  assert_non_null(strstr(error->message, data));
  assert_int_equal(rename(elsewhere, version), 0);
}

static void
a_directory_in_which_a_server_ran_is_not_swept(void **state)
{
  (void)state;
  g_autofree char *suspicious = in_data_dir("data.new-1");
  g_autofree char *options = in_data_dir("data.new-1/postmaster.opts");
  assert_int_equal(mkdir(suspicious, 0700), 0);
  assert_true(g_file_set_contents(options, "", 0, NULL));
  pg_cluster_close(open_good());
  assert_true(g_file_test(options, G_FILE_TEST_EXISTS));
  unlink(options);
  pg_cluster_close(open_good());
  assert_false(g_file_test(suspicious, G_FILE_TEST_EXISTS));
}

static void
a_server_that_does_not_start_is_an_error_with_its_complaint(void **state)
{
  (void)state;
  g_autofree char *path = in_data_dir("data/postgresql.auto.conf");
  g_autofree char *good = NULL;
  assert_true(g_file_get_contents(path, &good, NULL, NULL));
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("shared_buffers = 'plenty'\n", file);
  fclose(file);
  g_autoptr(GError) error = NULL;
  assert_null(open_at(data_dir, &error));
  file = fopen(path, "w");
  assert_non_null(file);
  fputs(good, file);
  fclose(file);
  assert_int_equal(error_code(error), CCH_ERROR_CLUSTER_FAILED);
  assert_non_null(strstr(error->message, "shared_buffers"));
}

static void
a_path_that_no_socket_can_have_is_refused_beforehand(void **state)
{
  (void)state;
  g_autofree char *long_name = g_strnfill(100, 'd');
  g_autofree char *long_path = g_build_filename(top, long_name, NULL);
  g_autoptr(GError) error = NULL;
  assert_null(open_at(long_path, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  assert_non_null(strstr(error->message, "107"));
  assert_false(g_file_test(long_path, G_FILE_TEST_EXISTS));
}

static void
a_path_may_have_spaces_and_quotes(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(top, "it's a \"path\\", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(PgCluster) cluster = open_at(path, &error);
  if (cluster == NULL)
    fail_msg("%s", error->message);
  g_autofree char *answer = ask(cluster, "SELECT 1");
  assert_string_equal(answer, "1");
}

static void
a_parent_that_the_user_may_not_pass_is_named(void **state)
{
  (void)state;
  if (geteuid() != 0)
    skip();
  g_autofree char *closed = g_build_filename(top, "closed", NULL);
  g_autofree char *path = g_build_filename(closed, "a", "b", NULL);
  assert_int_equal(mkdir(closed, 0700), 0);
  g_autoptr(GError) error = NULL;
  assert_null(open_at(path, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  g_autofree char *advice = g_strdup_printf("`chmod o+x %s`", closed);
  assert_non_null(strstr(error->message, advice));
}

static void
an_unknown_user_is_named(void **state)
{
  (void)state;
  if (geteuid() != 0)
    skip();
  const PgClusterOptions options = {.data_dir = data_dir, .user = "cch-nobody"};
  g_autoptr(GError) error = NULL;
  assert_null(pg_cluster_open(&options, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  assert_non_null(strstr(error->message, "cch-nobody"));
}

static void
an_ordinary_user_runs_it_as_themselves(void **state)
{
  (void)state;
  const struct passwd *nobody = getpwnam("nobody");
  if (geteuid() != 0 || nobody == NULL)
    skip();
  g_autofree char *home = g_build_filename(top, "home", NULL);
  g_autofree char *path = g_build_filename(home, "data", NULL);
  assert_int_equal(mkdir(home, 0700), 0);
  assert_int_equal(chown(home, nobody->pw_uid, nobody->pw_gid), 0);
  g_autoptr(ChildProcess) opener = spawn_opener(path, nobody->pw_uid, nobody->pw_gid);
  await_opener(opener);
  g_autofree char *version = g_build_filename(path, "postgresql", "data", "PG_VERSION", NULL);
  struct stat info;
  assert_int_equal(stat(version, &info), 0);
  assert_int_equal(info.st_uid, nobody->pw_uid);
}

static void
opening_can_be_cancelled(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(top, "cancelled", NULL);
  const PgClusterOptions options = {.data_dir = path, .user = "postgres"};
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  g_autoptr(GError) error = NULL;
  assert_null(pg_cluster_open(&options, cancellable, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
}

static void
programs_are_searched_where_they_are_said_to_be(void **state)
{
  (void)state;
  g_autofree char *found = pg_find_program(NULL, "initdb", NULL);
  assert_non_null(found);
  g_autofree char *directory = g_path_get_dirname(found);
  g_autofree char *again = pg_find_program(directory, "initdb", NULL);
  assert_string_equal(again, found);
  g_autoptr(GError) error = NULL;
  assert_null(pg_find_program(top, "initdb", &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  g_clear_error(&error);
  assert_null(pg_find_program(NULL, "cch-no-such-program", &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
}

static int
set_up(void **state)
{
  (void)state;
  top = g_dir_make_tmp("cch-cluster-XXXXXX", NULL);
  data_dir = g_build_filename(top, "data", NULL);
  own_program = g_file_read_link("/proc/self/exe", NULL);
  return top == NULL || own_program == NULL || chmod(top, 0711) != 0;
}

static int
tear_down(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = (const char *const[]){"rm", "-rf", "--", top, NULL}};
  g_autofree char *output = child_process_run(&options, NULL, NULL);
  g_free(top);
  g_free(data_dir);
  g_free(own_program);
  return output == NULL;
}

static int
run_as_opener(const char *path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(PgCluster) cluster = open_at(path, &error);
  if (cluster == NULL) {
    fprintf(stderr, "%s\n", error->message);
    return 1;
  }
  puts("open");
  fflush(stdout);
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  int number;
  sigwait(&terminate, &number);
  return 0;
}

int
main(int argc, char **argv)
{
  if (argc == 3 && strcmp(argv[1], "open") == 0) {
    /* Before the cluster's thread starts, which inherits the mask. */
    sigset_t terminate;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &terminate, NULL);
    return run_as_opener(argv[2]);
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_open_makes_a_cluster_and_closing_stops_it),
      cmocka_unit_test(the_next_open_finds_the_data),
      cmocka_unit_test(nobody_else_can_enter_it),
      cmocka_unit_test(a_second_user_finds_it_running_and_takes_it_over),
      cmocka_unit_test(a_killed_server_is_started_again),
      cmocka_unit_test(the_server_ends_with_a_killed_starter_and_the_next_start_has_its_data),
      cmocka_unit_test(no_server_is_left_when_its_starter_is_killed),
      cmocka_unit_test(an_initdb_that_was_killed_is_done_again),
      cmocka_unit_test(what_is_no_cluster_is_not_touched),
      cmocka_unit_test(a_directory_in_which_a_server_ran_is_not_swept),
      cmocka_unit_test(a_server_that_does_not_start_is_an_error_with_its_complaint),
      cmocka_unit_test(a_path_that_no_socket_can_have_is_refused_beforehand),
      cmocka_unit_test(a_path_may_have_spaces_and_quotes),
      cmocka_unit_test(a_parent_that_the_user_may_not_pass_is_named),
      cmocka_unit_test(an_unknown_user_is_named),
      cmocka_unit_test(an_ordinary_user_runs_it_as_themselves),
      cmocka_unit_test(opening_can_be_cancelled),
      cmocka_unit_test(programs_are_searched_where_they_are_said_to_be),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
