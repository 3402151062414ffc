#include "base/os/write_all.h"

#include "base/error.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

enum { PIPE_TEST_BYTES = 4 * 1024 * 1024 };

typedef struct {
  int fd;
  pthread_t writer;
  gsize n_read;
} Reader;

static void
ignore(int number)
{
  (void)number;
}

/* Reads slowly and interrupts the writer. */
static gpointer
read_and_interrupt(gpointer data)
{
  Reader *reader = data;
  char buffer[64 * 1024];
  gssize n = 0;
  do {
    pthread_kill(reader->writer, SIGUSR1);
    n = read(reader->fd, buffer, sizeof buffer);
    reader->n_read += n > 0 ? (gsize)n : 0;
  } while (n > 0);
  return NULL;
}

static void
all_is_written_though_signals_interrupt_it(void **state)
{
  (void)state;
  struct sigaction action = {.sa_handler = ignore}; /* without SA_RESTART: write fails with EINTR */
  sigaction(SIGUSR1, &action, NULL);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  g_autofree char *data = g_malloc0(PIPE_TEST_BYTES);
  Reader reader = {.fd = ends[0], .writer = pthread_self()};
  GThread *thread = g_thread_new("reader", read_and_interrupt, &reader);
  g_autoptr(GError) error = NULL;
  gboolean is_written = write_all(ends[1], data, PIPE_TEST_BYTES, "the pipe", &error);
  close(ends[1]);
  g_thread_join(thread);
  close(ends[0]);
  assert_null(error);
  assert_true(is_written);
  assert_int_equal(reader.n_read, PIPE_TEST_BYTES);
}

static void
a_device_without_room_is_a_full_disk(void **state)
{
  (void)state;
  int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  g_autoptr(GError) error = NULL;
  assert_false(write_all(fd, "x", 1, "the archive", &error));
  assert_int_equal(error_code(error), CCH_ERROR_DISK_FULL);
  assert_non_null(strstr(error->message, "write the archive"));
  close(fd);
}

static void
an_offset_leaves_the_position_alone(void **state)
{
  (void)state;
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp("write-all-XXXXXX", &path, NULL);
  assert_true(fd >= 0);
  unlink(path);
  assert_true(write_all(fd, "abcdef", 6, "file", NULL));
  assert_true(write_all_at(fd, "XY", 2, 2, "file", NULL));
  assert_true(write_all(fd, "!", 1, "file", NULL));
  char text[8] = "";
  assert_int_equal(pread(fd, text, sizeof text - 1, 0), 7);
  assert_string_equal(text, "abXYef!");
  close(fd);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_is_written_though_signals_interrupt_it),
      cmocka_unit_test(a_device_without_room_is_a_full_disk),
      cmocka_unit_test(an_offset_leaves_the_position_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
