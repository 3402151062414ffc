/* A server that lies, breaks off and hangs, and rclone when it is killed, cancelled, or not there. */
#include "rclone_support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static ChildProcess *liar;
static guint liar_port;

static int
start_liar(void **state)
{
  (void)state;
  liar_port = free_port();
  g_autofree char *port_text = g_strdup_printf("%u", liar_port);
  liar = serve(liar_port,
               (const char *const[]){"node", SOURCE_ROOT "/test/unit/storage/lying_webdav.mjs", port_text, NULL});
  return 0;
}

static int
stop_liar(void **state)
{
  (void)state;
  child_process_free(liar);
  return 0;
}

/* A put to each of several destinations at once, because each mostly waits. */
typedef struct {
  const char *mode;
  ErrorCode code; /* expected; CCH_ERROR_COUNT: success */
  Storage *storage;
  GError *error;
  GThread *thread;
} Put;

static gpointer
put_run(gpointer data)
{
  Put *put = data;
  storage_put(put->storage, rclone_local, NAME, NULL, NULL, NULL, &put->error);
  return NULL;
}

/* What fails leaves nothing, and what succeeds can be read back. */
static void
put_all(Put *puts, guint n_puts)
{
  for (guint i = 0; i < n_puts; i++) {
    puts[i].storage = open_webdav(liar_port, puts[i].mode, "top-secret", 0);
    puts[i].thread = g_thread_new("put", put_run, &puts[i]);
  }
  for (guint i = 0; i < n_puts; i++)
    g_thread_join(puts[i].thread);
  for (guint i = 0; i < n_puts; i++) {
    g_autoptr(GError) error = puts[i].error;
    g_autoptr(Storage) storage = puts[i].storage;
    print_message("%s\n", puts[i].mode); /* in case it fails */
    if (puts[i].code != CCH_ERROR_COUNT) {
      assert_fails(error == NULL, &error, puts[i].code);
      if (puts[i].code != CCH_ERROR_STORAGE_AWAY)
        assert_empty(storage);
      continue;
    }
    assert_ok(TRUE, &error);
    assert_int_equal(read_back(storage, &error), FILE_BYTES);
    g_autoptr(GPtrArray) files = list_all(storage);
    assert_int_equal(files->len, 1);
  }
}

static void
what_the_server_does_is_found_out(void **state)
{
  (void)state;
  Put puts[] = {
      {.mode = "short", .code = CCH_ERROR_STORAGE_DAMAGED},    {.mode = "changed", .code = CCH_ERROR_STORAGE_DAMAGED},
      {.mode = "vanish", .code = CCH_ERROR_STORAGE_DAMAGED},   {.mode = "down", .code = CCH_ERROR_STORAGE_AWAY},
      {.mode = "full", .code = CCH_ERROR_STORAGE_FULL},        {.mode = "large", .code = CCH_ERROR_STORAGE_FULL},
      {.mode = "shortget", .code = CCH_ERROR_STORAGE_DAMAGED}, {.mode = "longget", .code = CCH_ERROR_STORAGE_DAMAGED},
  };
  put_all(puts, G_N_ELEMENTS(puts));
}

static void
failures_that_pass_or_only_seem_to_be_ones_are_survived(void **state)
{
  (void)state;
  Put puts[] = {
      {.mode = "busy", .code = CCH_ERROR_COUNT},
      {.mode = "gateway", .code = CCH_ERROR_COUNT},
      {.mode = "lostmove", .code = CCH_ERROR_COUNT},
      {.mode = "breaking", .code = CCH_ERROR_COUNT},
  };
  put_all(puts, G_N_ELEMENTS(puts));
}

static void
nobody_there_and_a_locked_file_are_said(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autoptr(Storage) nobody = open_webdav(free_port(), "", "top-secret", 0);
  assert_null(storage_list(nobody, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_AWAY);
  g_autoptr(GBytes) bytes = g_bytes_new_static("{}", 2);
  g_autoptr(Storage) locked = open_webdav(liar_port, "locked", "top-secret", 0);
  assert_ok(storage_put_bytes(locked, bytes, NAME, NULL, &error), &error);
  assert_fails(storage_delete(locked, NAME, NULL, &error), &error, CCH_ERROR_STORAGE_LOCKED);
}

/* The process ids of our children but the liar. */
static GArray *
children(void)
{
  g_autofree char *text = NULL, *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
  g_auto(GStrv) parts = g_strsplit(g_strstrip(text), " ", -1);
  for (char **part = parts; *part != NULL; part++) {
    pid_t pid = (pid_t)g_ascii_strtoll(*part, NULL, 10);
    if (pid > 0 && pid != child_process_pid(liar))
      g_array_append_val(pids, pid);
  }
  return pids;
}

static void
kill_rclone(guint64 done, guint64 total, gpointer data)
{
  gboolean *is_killed = data;
  g_autoptr(GArray) pids = children();
  if (*is_killed || done < 100000)
    return;
  assert_int_equal(pids->len, 1);
  kill(g_array_index(pids, pid_t, 0), SIGKILL);
  *is_killed = TRUE;
}

static void
a_killed_rclone_leaves_nothing_under_the_name(void **state)
{
  (void)state;
  g_autoptr(Storage) slow = open_webdav(liar_port, "honest/slow", "top-secret", 300000);
  g_autoptr(GError) error = NULL;
  gboolean is_killed = FALSE;
  assert_fails(storage_put(slow, rclone_local, NAME, kill_rclone, &is_killed, NULL, &error), &error,
               CCH_ERROR_STORAGE_FAILED);
  assert_true(is_killed);
  assert_empty(slow);
}

static void
cancel(guint64 done, guint64 total, gpointer data)
{
  if (done > 0)
    g_cancellable_cancel(data);
}

static gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(1500000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
a_cancelled_upload_ends_soon_and_leaves_nothing(void **state)
{
  (void)state;
  g_autoptr(Storage) slow = open_webdav(liar_port, "honest/cancelled", "top-secret", 300000);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  assert_fails(storage_put(slow, rclone_local, NAME, cancel, cancellable, cancellable, &error), &error,
               CCH_ERROR_CANCELLED);
  assert_empty(slow);
  g_autoptr(Storage) hanging = open_webdav(liar_port, "hang", "top-secret", 0);
  g_autoptr(GCancellable) later = g_cancellable_new();
  GThread *thread = g_thread_new("cancel", cancel_soon, later);
  gint64 start_us = g_get_monotonic_time();
  assert_fails(storage_put(hanging, rclone_local, NAME, NULL, NULL, later, &error), &error, CCH_ERROR_CANCELLED);
  assert_true(g_get_monotonic_time() - start_us < 15 * G_USEC_PER_SEC);
  g_thread_join(thread);
  assert_empty(hanging);
  g_autoptr(GArray) left = children();
  assert_int_equal(left->len, 0);
}

static void
without_rclone_its_package_is_named(void **state)
{
  (void)state;
  g_autoptr(Storage) storage = open_webdav(liar_port, "honest", "top-secret", 0);
  g_autofree char *path = g_strdup(g_getenv("PATH"));
  g_setenv("PATH", "/nowhere", TRUE);
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) files = storage_list(storage, NULL, NULL, &error);
  g_setenv("PATH", path, TRUE);
  assert_null(files);
  assert_non_null(strstr(error_text(error, LANGUAGE_ZH_CN), "apt install rclone"));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_TOOL_MISSING);
}

#define LIAR(name) cmocka_unit_test_setup_teardown(name, start_liar, stop_liar)

int
main(void)
{
  const struct CMUnitTest tests[] = {
      LIAR(what_the_server_does_is_found_out),
      LIAR(failures_that_pass_or_only_seem_to_be_ones_are_survived),
      LIAR(nobody_there_and_a_locked_file_are_said),
      LIAR(a_killed_rclone_leaves_nothing_under_the_name),
      LIAR(a_cancelled_upload_ends_soon_and_leaves_nothing),
      LIAR(without_rclone_its_package_is_named),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
