#include "base/sha256.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
the_published_examples_come_out(void **state)
{
  char text[SHA256_TEXT_BYTES];
  g_autoptr(Sha256) sha256 = sha256_new();
  sha256_take(sha256, text);
  assert_string_equal(text, OF_NOTHING);
  sha256_push(sha256, (const guint8 *)"a", 1);
  sha256_push(sha256, (const guint8 *)"bc", 2);
  sha256_take(sha256, text);
  assert_string_equal(text, OF_ABC);
  sha256_take(sha256, text); /* taking starts over */
  assert_string_equal(text, OF_NOTHING);
}

static void
a_file_is_hashed_from_its_start(void **state)
{
  char of_file[SHA256_TEXT_BYTES], of_bytes[SHA256_TEXT_BYTES];
  g_autofree guint8 *bytes = g_malloc0(600000);
  memset(bytes + 300000, 'x', 300000);
  int fd = memfd_create("file", MFD_CLOEXEC);
  assert_int_equal(write(fd, bytes, 600000), 600000);
  assert_true(sha256_of_file(fd, NULL, of_file, NULL));
  g_autoptr(Sha256) sha256 = sha256_new();
  sha256_push(sha256, bytes, 600000);
  sha256_take(sha256, of_bytes);
  assert_string_equal(of_file, of_bytes);

  g_autoptr(GError) error = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  assert_false(sha256_of_file(fd, cancellable, of_file, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  close(fd);
  g_clear_error(&error);
  assert_false(sha256_of_file(-1, NULL, of_file, &error));
  assert_int_equal(error_code(error), CCH_ERROR_FILE);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_examples_come_out),
      cmocka_unit_test(a_file_is_hashed_from_its_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
