#include "base/os/seal.h"

#include "base/error.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static int
make_directory(void **state)
{
  *state = g_dir_make_tmp("seal-XXXXXX", NULL);
  return *state != NULL ? 0 : -1;
}

static int
remove_directory(void **state)
{
  g_autofree char *directory = *state;
  g_autofree char *path = g_build_filename(directory, "storage-key", NULL);
  g_unlink(path);
  return g_rmdir(directory); /* fails if anything else was left */
}

static void
what_was_sealed_opens_also_after_a_restart(void **state)
{
  g_autoptr(SealKey) key = seal_key_load(*state, TRUE, NULL);
  assert_non_null(key);
  g_autoptr(GBytes) sealed = seal(key, "p\xc3\xa4ss");
  g_autoptr(GBytes) again = seal(key, "p\xc3\xa4ss");
  assert_false(g_bytes_equal(sealed, again));
  assert_null(memmem(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), "ss", 2));
  g_autoptr(SealKey) later = seal_key_load(*state, TRUE, NULL);
  g_autofree char *text = seal_open(later, sealed, NULL);
  assert_string_equal(text, "p\xc3\xa4ss");
  g_autoptr(GBytes) nothing = seal(key, "");
  g_autofree char *empty = seal_open(later, nothing, NULL);
  assert_string_equal(empty, "");
}

static void
every_changed_byte_is_noticed(void **state)
{
  g_autoptr(SealKey) key = seal_key_load(*state, TRUE, NULL);
  g_autoptr(GBytes) sealed = seal(key, "secret");
  gsize size;
  const guint8 *bytes = g_bytes_get_data(sealed, &size);
  for (gsize i = 0; i <= size; i++) {
    g_autofree guint8 *copy = g_memdup2(bytes, size);
    if (i < size)
      copy[i] ^= 1;
    g_autoptr(GBytes) changed = g_bytes_new(copy, i < size ? size : size - 1); /* the last one is cut */
    g_autoptr(GError) error = NULL;
    assert_null(seal_open(key, changed, &error));
    assert_int_equal(error_code(error), CCH_ERROR_SECRET_KEY_LOST);
  }
}

static void
a_lost_key_is_said_and_not_replaced(void **state)
{
  g_autoptr(GError) error = NULL;
  assert_null(seal_key_load(*state, FALSE, &error));
  assert_int_equal(error_code(error), CCH_ERROR_SECRET_KEY_LOST);
  g_autoptr(SealKey) key = seal_key_load(*state, TRUE, NULL);
  g_autoptr(GBytes) sealed = seal(key, "secret");
  g_autofree char *path = g_build_filename(*state, "storage-key", NULL);
  g_unlink(path);
  g_autoptr(SealKey) other = seal_key_load(*state, TRUE, NULL);
  g_clear_error(&error);
  assert_null(seal_open(other, sealed, &error));
  assert_int_equal(error_code(error), CCH_ERROR_SECRET_KEY_LOST);
}

static void
a_key_that_others_can_read_or_that_is_none_is_refused(void **state)
{
  g_autoptr(SealKey) key = seal_key_load(*state, TRUE, NULL);
  g_autofree char *path = g_build_filename(*state, "storage-key", NULL);
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(info.st_size, 65);
  g_autoptr(GError) error = NULL;
  g_chmod(path, 0644);
  assert_null(seal_key_load(*state, TRUE, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  const char *const wrong[] = {"", "12", "zz",
                               "0123456789012345678901234567890123456789012345678901234567890123456789"};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    assert_true(g_file_set_contents(path, wrong[i], -1, NULL));
    g_chmod(path, 0600);
    g_clear_error(&error);
    assert_null(seal_key_load(*state, TRUE, &error));
    assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  }
}

static gpointer
load(gpointer directory)
{
  return seal_key_load(directory, TRUE, NULL);
}

static void
of_several_that_make_it_at_once_all_have_the_same(void **state)
{
  GThread *threads[8];
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("load", load, *state);
  g_autoptr(SealKey) first = g_thread_join(threads[0]);
  assert_non_null(first);
  g_autoptr(GBytes) sealed = seal(first, "same");
  for (guint i = 1; i < G_N_ELEMENTS(threads); i++) {
    g_autoptr(SealKey) key = g_thread_join(threads[i]);
    g_autofree char *text = seal_open(key, sealed, NULL);
    assert_string_equal(text, "same");
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_sealed_opens_also_after_a_restart, make_directory, remove_directory),
      cmocka_unit_test_setup_teardown(every_changed_byte_is_noticed, make_directory, remove_directory),
      cmocka_unit_test_setup_teardown(a_lost_key_is_said_and_not_replaced, make_directory, remove_directory),
      cmocka_unit_test_setup_teardown(a_key_that_others_can_read_or_that_is_none_is_refused, make_directory,
                                      remove_directory),
      cmocka_unit_test_setup_teardown(of_several_that_make_it_at_once_all_have_the_same, make_directory,
                                      remove_directory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
