#include "base/error.h"
#include "storage/storage.h"
#include "storage/stream.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

#define NAME "daily/backup_2026-01-29T10-30-00.dump"

typedef struct {
  char *directory; /* has from/ and to/ */
  char *from, *to;
  Storage *storage;
} Place;

static int
place_make(void **state)
{
  Place *place = g_new0(Place, 1);
  place->directory = g_dir_make_tmp("storage-XXXXXX", NULL);
  place->from = g_build_filename(place->directory, "from", NULL);
  place->to = g_build_filename(place->directory, "to", NULL);
  place->storage = storage_open(&(StorageOptions){.kind = "directory", .default_directory = place->to}, NULL);
  *state = place;
  return place->storage != NULL && g_mkdir(place->from, 0700) == 0 ? 0 : -1;
}

static void
remove_tree(const char *path)
{
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", path);
  assert_int_equal(system(command), 0);
}

static int
place_remove(void **state)
{
  Place *place = *state;
  storage_free(place->storage);
  remove_tree(place->directory);
  g_free(place->directory);
  g_free(place->from);
  g_free(place->to);
  g_free(place);
  return 0;
}

/* A local file with `n_bytes` of `fill`; free with g_free. */
static char *
make_file(const Place *place, gsize n_bytes, char fill)
{
  g_autofree char *text = g_malloc(n_bytes);
  memset(text, fill, n_bytes);
  char *path = g_build_filename(place->from, "archive", NULL);
  g_unlink(path);
  assert_true(g_file_set_contents(path, text, (gssize)n_bytes, NULL));
  return path;
}

static void
assert_content(Storage *storage, const char *name, gsize n_bytes, char fill)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = storage_get_bytes(storage, name, 64 * 1024 * 1024, NULL, &error);
  assert_null(error);
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  assert_int_equal(size, n_bytes);
  for (gsize i = 0; i < size; i++)
    assert_int_equal(data[i], fill);
}

static guint
count_files(Storage *storage, const char *folder)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) files = storage_list(storage, folder, NULL, &error);
  assert_null(error);
  return files->len;
}

static void
assert_fails(gboolean result, GError **error, ErrorCode code)
{
  assert_false(result);
  assert_non_null(*error);
  assert_int_equal(error_code(*error), code);
  g_clear_error(error);
}

static void
a_file_in_the_same_file_system_is_linked_and_outlives_its_source(void **state)
{
  Place *place = *state;
  g_autofree char *path = make_file(place, 3000000, 'a');
  g_autoptr(GError) error = NULL;
  assert_int_equal(count_files(place->storage, NULL), 0);
  assert_true(storage_put(place->storage, path, NAME, NULL, NULL, NULL, &error));
  struct stat here, there;
  g_autofree char *stored = g_build_filename(place->to, NAME, NULL);
  assert_int_equal(stat(path, &here) | stat(stored, &there), 0);
  assert_int_equal(here.st_ino, there.st_ino);
  g_unlink(path);
  assert_content(place->storage, NAME, 3000000, 'a');
  g_autoptr(GPtrArray) files = storage_list(place->storage, "daily", NULL, &error);
  assert_int_equal(files->len, 1);
  const StorageFile *file = files->pdata[0];
  assert_string_equal(file->name, NAME);
  assert_int_equal(file->bytes, 3000000);
  assert_true(ABS(file->modified_s - g_get_real_time() / G_USEC_PER_SEC) < 60);
  assert_int_equal(count_files(place->storage, "weekly"), 0);
}

static void
a_name_is_taken_once_and_the_same_content_again_is_success(void **state)
{
  Place *place = *state;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new_static("{}", 2), other = g_bytes_new_static("[]", 2);
  assert_true(storage_put_bytes(place->storage, bytes, NAME, NULL, &error));
  assert_true(storage_put_bytes(place->storage, bytes, NAME, NULL, &error));
  assert_fails(storage_put_bytes(place->storage, other, NAME, NULL, &error), &error, CCH_ERROR_STORAGE_EXISTS);
  g_autoptr(GBytes) read = storage_get_bytes(place->storage, NAME, 2, NULL, &error);
  assert_true(g_bytes_equal(read, bytes));
  assert_null(storage_get_bytes(place->storage, NAME, 1, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_DAMAGED);
  assert_int_equal(count_files(place->storage, NULL), 1);
  assert_true(storage_delete(place->storage, NAME, NULL, &error));
  assert_true(storage_delete(place->storage, NAME, NULL, &error));
  assert_null(storage_get(place->storage, NAME, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_MISSING);
}

static void
names_that_leave_the_destination_or_are_not_ours_are_refused(void **state)
{
  Place *place = *state;
  const char *const wrong[] = {
      "",          "/backup_x",        "../backup_x",   "a/../backup_x", "a//backup_x",   "a/backup_x/",
      "notes.txt", "a/b/c/d/backup_x", "a\\b/backup_x", "a/backup_\n",   "a/backup_\xff", "./backup_x"};
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    assert_fails(storage_put_bytes(place->storage, bytes, wrong[i], NULL, &error), &error, CCH_ERROR_STORAGE_SETTINGS);
    assert_fails(storage_delete(place->storage, wrong[i], NULL, &error), &error, CCH_ERROR_STORAGE_SETTINGS);
  }
  g_autofree char *long_name = g_strnfill(250, 'x');
  g_autofree char *name = g_strconcat("backup_", long_name, NULL);
  assert_fails(storage_put_bytes(place->storage, bytes, name, NULL, &error), &error, CCH_ERROR_STORAGE_SETTINGS);
  assert_true(storage_put_bytes(place->storage, bytes, "\xe6\xaf\x8f\xe6\x97\xa5 1/backup_x", NULL, &error));
  /* A link that stands where a folder should is not followed. */
  g_autofree char *link_path = g_build_filename(place->to, "link", NULL);
  assert_int_equal(symlink(place->from, link_path), 0);
  assert_false(storage_put_bytes(place->storage, bytes, "link/backup_x", NULL, &error));
}

static void
cleaning_removes_old_partial_files_of_ours_only(void **state)
{
  Place *place = *state;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
  const char *const stay[] = {"daily/backup_unknown.dump.00000000.partial", "daily/backup_new.dump.00000000.partial"};
  const char *const go[] = {"daily/backup_1.dump.0abc1234.partial", "backup_test_12.partial"};
  const char *const others[] = {"daily/notes.partial", "daily/.backup_1.partial"};
  for (guint i = 0; i < 2; i++) {
    assert_true(storage_put_bytes(place->storage, bytes, stay[i], NULL, &error));
    assert_true(storage_put_bytes(place->storage, bytes, go[i], NULL, &error));
    g_autofree char *old = g_build_filename(place->to, go[i], NULL),
                    *other = g_build_filename(place->to, others[i], NULL);
    assert_true(g_file_set_contents(other, "x", 1, NULL));
    struct utimbuf long_ago = {.actime = 1000000, .modtime = 1000000};
    assert_int_equal(g_utime(old, &long_ago) | g_utime(other, &long_ago), 0);
  }
  /* 0 stands for a time that the destination does not tell. */
  g_autofree char *unknown = g_build_filename(place->to, stay[0], NULL);
  assert_int_equal(g_utime(unknown, &(struct utimbuf){.actime = 0, .modtime = 0}), 0);
  guint n_removed = 0;
  assert_true(storage_clean(place->storage, NULL, 3600, &n_removed, NULL, &error));
  assert_int_equal(n_removed, 2);
  assert_int_equal(count_files(place->storage, NULL), 2);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *other = g_build_filename(place->to, others[i], NULL);
    assert_true(g_file_test(other, G_FILE_TEST_EXISTS));
  }
}

static void
note_progress(guint64 done, guint64 total, gpointer data)
{
  guint64 *last = data;
  assert_true(done >= *last && done <= total);
  *last = done;
}

static void
cancel_at_once(guint64 done, guint64 total, gpointer data)
{
  g_cancellable_cancel(data);
}

/* Another file system, so that the file is copied, and a small one, so that it is full. */
static void
a_full_disk_and_a_cancelled_copy_leave_nothing(void **state)
{
  Place *place = *state;
  g_mkdir(place->to, 0700);
  if (mount("tmpfs", place->to, "tmpfs", 0, "size=4m") != 0) {
    print_message("skipped: no file system of its own can be mounted here\n");
    skip();
  }
  g_autofree char *path = make_file(place, 3000000, 'b');
  g_autoptr(GError) error = NULL;
  guint64 done = 0;
  gboolean is_put = storage_put(place->storage, path, NAME, note_progress, &done, NULL, &error);
  gboolean is_full = is_put && !storage_put(place->storage, path, "daily/backup_2.dump", NULL, NULL, NULL, &error);
  ErrorCode full_code = error != NULL ? error_code(error) : CCH_ERROR_INTERNAL;
  g_clear_error(&error);
  guint n_full = count_files(place->storage, NULL);
  assert_content(place->storage, NAME, 3000000, 'b');
  storage_delete(place->storage, NAME, NULL, NULL);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  gboolean is_cancelled = !storage_put(place->storage, path, NAME, cancel_at_once, cancellable, cancellable, &error);
  guint n_cancelled = count_files(place->storage, NULL);
  umount2(place->to, MNT_DETACH);
  assert_true(is_put && is_full && is_cancelled);
  assert_int_equal(done, 3000000);
  assert_int_equal(full_code, CCH_ERROR_STORAGE_FULL);
  assert_int_equal(n_full, 1);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  assert_int_equal(n_cancelled, 0);
}

static void
a_directory_that_is_not_there_is_not_made_unless_it_is_the_default(void **state)
{
  Place *place = *state;
  g_autofree char *missing = g_build_filename(place->directory, "unmounted", NULL);
  g_autoptr(json_t) settings = json_pack("{s:s}", "path", missing);
  g_autoptr(GError) error = NULL;
  g_autoptr(Storage) storage = storage_open(&(StorageOptions){.kind = "directory", .settings = settings}, &error);
  g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
  StorageTestStep step = STORAGE_TEST_DELETE;
  assert_fails(storage_test(storage, &step, NULL, &error), &error, CCH_ERROR_STORAGE_MISSING);
  assert_int_equal(step, STORAGE_TEST_WRITE);
  assert_null(storage_list(storage, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_MISSING);
  assert_fails(storage_delete(storage, "backup_x", NULL, &error), &error, CCH_ERROR_STORAGE_MISSING);
  assert_false(g_file_test(missing, G_FILE_TEST_EXISTS));
  assert_true(storage_test(place->storage, &step, NULL, &error));
  assert_int_equal(count_files(place->storage, NULL), 0);
}

static void
a_file_that_is_cut_while_it_is_read_is_damaged(void **state)
{
  Place *place = *state;
  g_autofree char *path = make_file(place, 600000, 'c');
  g_autoptr(GError) error = NULL;
  assert_true(storage_put(place->storage, path, NAME, NULL, NULL, NULL, &error));
  guint64 size = 0;
  g_autoptr(StorageStream) stream = storage_get(place->storage, NAME, &size, NULL, &error);
  assert_int_equal(size, 600000);
  assert_int_equal(truncate(path, 100000), 0); /* linked: the same file */
  g_autofree char *buffer = g_malloc(600000);
  gssize n = 1;
  while (n > 0)
    n = storage_stream_read(stream, buffer, 600000, NULL, &error);
  assert_int_equal(n, -1);
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_DAMAGED);
}

static void
bandwidth_is_limited_both_ways(void **state)
{
  Place *place = *state;
  g_autoptr(GError) error = NULL;
  g_autoptr(Storage) slow = storage_open(
      &(StorageOptions){.kind = "directory", .default_directory = place->to, .bandwidth_bytes_s = 2000000}, &error);
  g_autofree char *text = g_malloc0(600000);
  g_autoptr(GBytes) bytes = g_bytes_new_static(text, 600000); /* from memory, which cannot be linked */
  gint64 start_us = g_get_monotonic_time();
  assert_true(storage_put_bytes(slow, bytes, NAME, NULL, &error));
  gint64 written_us = g_get_monotonic_time();
  assert_true(written_us - start_us >= 290000);
  g_autoptr(GBytes) read = storage_get_bytes(slow, NAME, 600000, NULL, &error);
  assert_true(g_get_monotonic_time() - written_us >= 250000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int
main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_file_in_the_same_file_system_is_linked_and_outlives_its_source),
      TEST(a_name_is_taken_once_and_the_same_content_again_is_success),
      TEST(names_that_leave_the_destination_or_are_not_ours_are_refused),
      TEST(cleaning_removes_old_partial_files_of_ours_only),
      TEST(a_full_disk_and_a_cancelled_copy_leave_nothing),
      TEST(a_directory_that_is_not_there_is_not_made_unless_it_is_the_default),
      TEST(a_file_that_is_cut_while_it_is_read_is_damaged),
      TEST(bandwidth_is_limited_both_ways),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
