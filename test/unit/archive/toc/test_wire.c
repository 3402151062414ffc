/* Values read from a pipe, like pg_dump's output. The reader's tests read files. */
#include "archive/archive_builder.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

typedef struct {
  int fd;
  const guint8 *data;
  gsize size;
} Feeder;

/* Writes small and odd portions, as they may come from a pipe. */
static gpointer
feed(gpointer user_data)
{
  Feeder *feeder = user_data;
  for (gsize at = 0, n = 1; at < feeder->size; at += n, n = n * 3 % 1009 + 1) {
    n = MIN(n, feeder->size - at);
    g_assert_cmpint(write(feeder->fd, feeder->data + at, n), ==, n);
  }
  close(feeder->fd);
  return NULL;
}

/* The number of entries in the table of contents, or -1 with an error. */
static int
count_entries(WireSource *source, GError **error)
{
  ArchiveHeader header = {0};
  g_autoptr(GArray) entries =
      toc_parse_header(source, &header, error) ? toc_parse_entries(source, &header, error) : NULL;
  archive_header_clear(&header);
  return entries != NULL ? (int)entries->len : -1;
}

static int
count_entries_from_pipe(const guint8 *data, gsize size, GError **error)
{
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  Feeder feeder = {fds[1], data, size};
  GThread *thread = g_thread_new("feeder", feed, &feeder);
  g_autoptr(WireSource) source = wire_source_new_pipe(fds[0], NULL);
  int n_entries = count_entries(source, error);
  g_thread_join(thread);
  close(fds[0]);
  return n_entries;
}

static void
a_pipe_gives_what_the_file_gives_and_notices_its_end(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = archive_builder_new_sample(16, ARCHIVE_COMPRESSION_NONE);
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd = builder_open_file(bytes);
  g_autoptr(WireSource) file = wire_source_new(fd, NULL);
  int n_entries = count_entries(file, NULL);
  gsize toc_bytes = (gsize)wire_source_position(file);
  close(fd);
  assert_true(n_entries > 0);
  assert_int_equal(count_entries_from_pipe(bytes->data, bytes->len, NULL), n_entries);
  for (gsize size = 0; size < toc_bytes; size += 7) {
    g_autoptr(GError) error = NULL;
    assert_int_equal(count_entries_from_pipe(bytes->data, size, &error), -1);
    assert_true(error_code(error) == CCH_ERROR_ARCHIVE_CORRUPT || error_code(error) == CCH_ERROR_ARCHIVE_FORMAT);
  }
}

static gpointer
cancel_soon(gpointer cancellable)
{
  g_usleep(20 * 1000);
  g_cancellable_cancel(cancellable);
  return NULL;
}

static void
waiting_for_a_pipe_ends_when_cancelled(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
  g_autoptr(WireSource) source = wire_source_new_pipe(fds[0], cancellable);
  guint8 byte;
  assert_false(wire_read_byte(source, &byte, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  g_thread_join(thread);
  close(fds[0]);
  close(fds[1]);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pipe_gives_what_the_file_gives_and_notices_its_end),
      cmocka_unit_test(waiting_for_a_pipe_ends_when_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
