#include "base/error.h"
#include "base/os/child.h"

#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs four of the above. */
#include <cmocka.h>

#define SHELL(script) ((const char *const[]){"sh", "-c", script, NULL})

static char *
run(const ChildOptions *options)
{
  g_autoptr(GError) error = NULL;
  char *output = child_process_run(options, NULL, &error);
  if (error != NULL)
    fail_msg("%s", error->message);
  return output;
}

static void
standard_output_is_returned_whole(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("printf 'a\\nb'; sleep 0.05; printf c")};
  g_autofree char *output = run(&options);
  assert_string_equal(output, "a\nbc");
}

static void
an_exit_code_is_an_error_that_quotes_standard_error(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("echo no such thing >&2; exit 3")};
  g_autoptr(GError) error = NULL;
  assert_null(child_process_run(&options, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CHILD_FAILED);
  assert_string_equal(error->message, "sh: exit code 3: no such thing");
}

static void
a_missing_program_is_an_error(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = (const char *const[]){"cch-no-such-program", NULL}};
  g_autoptr(GError) error = NULL;
  assert_null(child_process_spawn(&options, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CHILD_FAILED);
  assert_non_null(strstr(error->message, "cch-no-such-program"));
}

static void
a_failure_between_fork_and_exec_names_its_step(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = (const char *const[]){"true", NULL}, .directory = "/nonexistent"};
  g_autoptr(GError) error = NULL;
  assert_null(child_process_spawn(&options, &error));
  assert_string_equal(error->message, "start true: cannot enter its directory: No such file or directory");
}

static void
too_much_output_is_an_error(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("exec yes")};
  g_autoptr(GError) error = NULL;
  assert_null(child_process_run(&options, NULL, &error));
  assert_non_null(strstr(error->message, "exceeds 1048576 bytes"));
}

static void
a_flood_on_standard_error_does_not_block_and_its_end_is_kept(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("yes | head -c 1000000 >&2; echo the end >&2")};
  g_autoptr(GError) error = NULL;
  g_autoptr(ChildProcess) child = child_process_spawn(&options, &error);
  assert_non_null(child);
  int exit_code = -1;
  assert_true(child_process_wait(child, 30000, &exit_code));
  assert_int_equal(exit_code, 0);
  g_autofree char *text = child_process_stderr(child);
  assert_int_equal(strlen(text), 16 * 1024 - 1); /* without the last newline */
  assert_true(g_str_has_suffix(text, "y\nthe end"));
}

static void
the_environment_is_ours_changed_as_asked(void **state)
{
  (void)state;
  g_setenv("CCH_TEST_KEPT", "1", TRUE);
  g_setenv("CCH_TEST_REPLACED", "2", TRUE);
  g_setenv("CCH_TEST_GONE", "3", TRUE);
  const ChildOptions options = {
      .argv = SHELL("echo \"$CCH_TEST_KEPT $CCH_TEST_REPLACED ${CCH_TEST_GONE-unset} $CCH_TEST_NEW\""),
      .environment = (const char *const[]){"CCH_TEST_REPLACED=a=b", "CCH_TEST_NEW=n", NULL},
      .unset = (const char *const[]){"CCH_TEST_GONE", NULL},
  };
  g_autofree char *output = run(&options);
  assert_string_equal(output, "1 a=b unset n\n");
}

static void
no_descriptor_but_the_standard_ones_is_inherited(void **state)
{
  (void)state;
  int leak = fcntl(STDIN_FILENO, F_DUPFD, 77);
  assert_true(leak >= 77);
  const ChildOptions options = {.argv = SHELL("exec ls /proc/self/fd")};
  g_autofree char *output = run(&options);
  close(leak);
  assert_string_equal(output, "0\n1\n2\n3\n"); /* 3 is ls reading the directory */
}

static void
it_leads_a_session_without_a_terminal(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("pid=$$; set -- $(cat /proc/$$/stat); echo $(($6 - pid)) $7")};
  g_autofree char *output = run(&options);
  assert_string_equal(output, "0 0\n");
}

static void
standard_input_is_empty(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("wc -c")};
  g_autofree char *output = run(&options);
  assert_int_equal(g_ascii_strtoll(output, NULL, 10), 0);
}

static void
given_descriptors_become_those_of_the_program(void **state)
{
  (void)state;
  int fds[3];
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
    g_autofree char *path = NULL;
    fds[i] = g_file_open_tmp("child-XXXXXX", &path, NULL);
    assert_true(fds[i] > 2);
    unlink(path);
  }
  assert_int_equal(pwrite(fds[0], "in", 2, 0) + pwrite(fds[2], "extra", 5, 0), 7);
  const char *script = "cat; cat <&3; exec 3<&-; ls /proc/self/fd | wc -l";
  /* Each takes its turn to be the lowest number, which the extra one becomes. */
  for (guint first = 0; first < G_N_ELEMENTS(fds); first++) {
    int in = fcntl(fds[0], F_DUPFD, first == 0 ? 3 : 10), out = fcntl(fds[1], F_DUPFD, first == 1 ? 3 : 10);
    int extra = fcntl(fds[2], F_DUPFD, first == 2 ? 3 : 10);
    const ChildOptions options = {.argv = SHELL(script), .stdin_fd = in, .stdout_fd = out, .extra_fd = extra};
    lseek(fds[0], 0, SEEK_SET);
    lseek(fds[2], 0, SEEK_SET);
    assert_int_equal(ftruncate(fds[1], 0) | lseek(fds[1], 0, SEEK_SET), 0);
    g_autoptr(ChildProcess) child = child_process_spawn(&options, NULL);
    assert_non_null(child);
    int exit_code = -1;
    assert_true(child_process_wait(child, 10000, &exit_code));
    assert_int_equal(exit_code, 0);
    char text[64] = "";
    assert_true(pread(fds[1], text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "inextra4\n"); /* ls has the directory open */
    close(in);
    close(out);
    close(extra);
  }
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
    close(fds[i]);
}

static void
standard_input_ends_when_it_is_closed(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("cat; echo end"), .pipe_stdin = TRUE, .capture_stdout = TRUE};
  g_autoptr(ChildProcess) child = child_process_spawn(&options, NULL);
  assert_non_null(child);
  int fd = child_process_take_stdin(child);
  assert_int_equal(write(fd, "begin ", 6), 6);
  assert_false(child_process_wait(child, 50, NULL));
  close(fd);
  assert_int_equal(child_process_take_stdin(child), -1);
  assert_true(child_process_wait(child, 10000, NULL));
  char text[64] = "";
  gssize n = 0;
  for (gssize more = 1; more > 0; n += more)
    more = read(child_process_stdout(child), text + n, sizeof text - 1 - (gsize)n);
  assert_string_equal(text, "begin end\n");
}

static void
signal_mask_and_handlers_are_the_defaults(void **state)
{
  (void)state;
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  void (*previous)(int) = signal(SIGINT, SIG_IGN);
  const ChildOptions options = {.argv =
                                    (const char *const[]){"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL}};
  g_autofree char *output = run(&options);
  signal(SIGINT, previous);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  const char *ignored = strstr(output, "SigIgn:\t");
  assert_true(g_str_has_prefix(output, "SigBlk:\t0000000000000000\n"));
  assert_non_null(ignored);
  /* Signals 32 and 33 belong to the C library: their inherited state stays. */
  assert_int_equal(g_ascii_strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & ~(G_GUINT64_CONSTANT(3) << 31), 0);
}

static void
waiting_gives_up_after_its_timeout(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = (const char *const[]){"sleep", "60", NULL}};
  g_autoptr(ChildProcess) child = child_process_spawn(&options, NULL);
  assert_non_null(child);
  assert_false(child_process_wait(child, 20, NULL));
  child_process_signal(child, SIGUSR1);
  int exit_code = 0;
  assert_true(child_process_wait(child, 10000, &exit_code));
  assert_int_equal(exit_code, 128 + SIGUSR1);
}

static void
a_program_that_ignores_sigterm_is_killed_with_its_group(void **state)
{
  (void)state;
  const ChildOptions options = {
      .argv = SHELL("trap '' TERM; sleep 60 & echo $!; while :; do wait; done"),
      .capture_stdout = TRUE,
  };
  ChildProcess *child = child_process_spawn(&options, NULL);
  assert_non_null(child);
  char line[32] = "";
  assert_true(read(child_process_stdout(child), line, sizeof line - 1) > 0);
  pid_t grandchild = (pid_t)g_ascii_strtoll(line, NULL, 10);
  pid_t pid = child_process_pid(child);
  child_process_end(child, 50);
  assert_int_equal(kill(pid, 0), -1);
  /* The process that adopted it may take a moment to reap it. */
  g_autofree char *status_path = g_strdup_printf("/proc/%d/stat", (int)grandchild);
  gboolean is_gone = FALSE;
  for (int i = 0; i < 200 && !is_gone; i++) {
    g_autofree char *stat = NULL;
    is_gone = !g_file_get_contents(status_path, &stat, NULL, NULL) || strstr(stat, ") Z ") != NULL;
    g_usleep(10000);
  }
  assert_true(is_gone);
}

static gpointer
spawn_and_end_the_thread(gpointer data)
{
  const ChildOptions options = {.argv = (const char *const[]){"sleep", "60", NULL}, .parent_death_signal = SIGINT};
  *(ChildProcess **)data = child_process_spawn(&options, NULL);
  return NULL;
}

static void
the_program_gets_its_death_signal_when_its_spawner_ends(void **state)
{
  (void)state;
  g_autoptr(ChildProcess) child = NULL;
  g_thread_join(g_thread_new("spawner", spawn_and_end_the_thread, &child));
  assert_non_null(child);
  int exit_code = 0;
  assert_true(child_process_wait(child, 10000, &exit_code));
  assert_int_equal(exit_code, 128 + SIGINT);
}

static void
root_can_run_it_as_another_user(void **state)
{
  (void)state;
  const struct passwd *nobody = getpwnam("nobody");
  if (geteuid() != 0 || nobody == NULL)
    skip();
  const ChildOptions options = {.argv = SHELL("id -u; id -G"), .uid = nobody->pw_uid, .gid = nobody->pw_gid};
  g_autofree char *output = run(&options);
  g_autofree char *expected = g_strdup_printf("%u\n%u\n", nobody->pw_uid, nobody->pw_gid);
  assert_string_equal(output, expected);
}

static gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(50000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
a_cancelled_run_ends_the_program(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("exec >&-; exec sleep 60")}; /* its output ends before it does */
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  GThread *canceller = g_thread_new("canceller", cancel_soon, cancellable);
  gint64 start_us = g_get_monotonic_time();
  assert_null(child_process_run(&options, cancellable, &error));
  g_thread_join(canceller);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  assert_true(g_get_monotonic_time() - start_us < 5 * G_USEC_PER_SEC);
}

static void
a_grandchild_that_keeps_the_pipes_does_not_delay_the_end(void **state)
{
  (void)state;
  const ChildOptions options = {.argv = SHELL("sleep 60 & echo $!")};
  gint64 start_us = g_get_monotonic_time();
  g_autofree char *output = run(&options);
  assert_true(g_get_monotonic_time() - start_us < 5 * G_USEC_PER_SEC);
  assert_int_equal(kill((pid_t)g_ascii_strtoll(output, NULL, 10), SIGKILL), 0);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(standard_output_is_returned_whole),
      cmocka_unit_test(an_exit_code_is_an_error_that_quotes_standard_error),
      cmocka_unit_test(a_missing_program_is_an_error),
      cmocka_unit_test(a_failure_between_fork_and_exec_names_its_step),
      cmocka_unit_test(too_much_output_is_an_error),
      cmocka_unit_test(a_flood_on_standard_error_does_not_block_and_its_end_is_kept),
      cmocka_unit_test(the_environment_is_ours_changed_as_asked),
      cmocka_unit_test(no_descriptor_but_the_standard_ones_is_inherited),
      cmocka_unit_test(it_leads_a_session_without_a_terminal),
      cmocka_unit_test(standard_input_is_empty),
      cmocka_unit_test(given_descriptors_become_those_of_the_program),
      cmocka_unit_test(standard_input_ends_when_it_is_closed),
      cmocka_unit_test(signal_mask_and_handlers_are_the_defaults),
      cmocka_unit_test(waiting_gives_up_after_its_timeout),
      cmocka_unit_test(a_program_that_ignores_sigterm_is_killed_with_its_group),
      cmocka_unit_test(the_program_gets_its_death_signal_when_its_spawner_ends),
      cmocka_unit_test(root_can_run_it_as_another_user),
      cmocka_unit_test(a_cancelled_run_ends_the_program),
      cmocka_unit_test(a_grandchild_that_keeps_the_pipes_does_not_delay_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
