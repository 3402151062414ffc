#include "base/os/private_file.h"

#include "base/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static gboolean
check_with_mode(int fd, const char *path, int mode, struct stat *ret_info)
{
  g_autoptr(GError) error = NULL;
  assert_int_equal(fchmod(fd, (mode_t)mode), 0);
  gboolean is_private = private_file_check(fd, path, &error);
  assert_int_equal(fstat(fd, ret_info), 0);
  assert_true(is_private || error_code(error) == CCH_ERROR_CONFIG);
  return is_private;
}

static void
rights_of_the_group_are_taken_away_and_those_of_others_refused(void **state)
{
  (void)state;
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp("private-XXXXXX", &path, NULL);
  struct stat info;
  assert_true(fd >= 0);
  const int good[] = {0600, 0400, 0660, 0640};
  for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
    assert_true(check_with_mode(fd, path, good[i], &info));
    assert_int_equal(info.st_mode & 077, 0);
  }
  const int bad[] = {0644, 0604, 0666, 0601};
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    assert_false(check_with_mode(fd, path, bad[i], &info));
    assert_int_equal(info.st_mode & 0777, bad[i]);
  }
  close(fd);
  g_unlink(path);
}

static void
what_is_no_file_is_refused(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  int fd = open("/", O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_false(private_file_check(fd, "/", &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  close(fd);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rights_of_the_group_are_taken_away_and_those_of_others_refused),
      cmocka_unit_test(what_is_no_file_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
