#include "base/error.h"
#include "base/os/child.h"
#include "storage/age.h"
#include "storage/stream.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

#define PLAIN_BYTES 1500000

/* Two pairs of keys, and a plain text that no block size divides. */
static char *secrets[2], *publics[2];
static guint8 *plain;

static int
make_keys(void **state)
{
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  plain = g_malloc(PLAIN_BYTES);
  for (gsize i = 0; i < PLAIN_BYTES; i++)
    plain[i] = (guint8)(i * 31 + i / 1000);
  return age_keygen(&secrets[0], &publics[0], NULL) && age_keygen(&secrets[1], &publics[1], NULL) ? 0 : -1;
}

static int
free_keys(void **state)
{
  (void)state;
  for (guint i = 0; i < 2; i++) {
    g_free(secrets[i]);
    g_free(publics[i]);
  }
  g_free(plain);
  return 0;
}

/* A nameless file with the plain text encrypted, at its start. */
static int
encrypt(const char *const *recipients, gsize n_bytes)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp("age-XXXXXX", &path, NULL);
  assert_true(fd >= 0);
  unlink(path);
  g_autoptr(GError) error = NULL;
  g_autoptr(AgeEncryption) encryption = age_encrypt_start(recipients, fd, &error);
  assert_null(error);
  assert_true(age_encrypt_write(encryption, plain, n_bytes, NULL, &error));
  assert_true(age_encrypt_finish(encryption, NULL, &error));
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

static int
encrypt_to_first(void)
{
  return encrypt((const char *const[]){publics[0], NULL}, PLAIN_BYTES);
}

/* Takes the descriptor. */
static GByteArray *
decrypt(int fd, const char *identity, GError **error)
{
  g_autoptr(StorageStream) stream = age_decrypt(storage_stream_from_fd(fd), identity, error);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  guint8 piece[10000];
  for (gssize n = 1; n > 0; g_byte_array_append(bytes, piece, (guint)MAX(n, 0))) {
    n = stream != NULL ? storage_stream_read(stream, piece, sizeof piece, NULL, error) : -1;
    if (n < 0)
      return NULL;
  }
  return g_steal_pointer(&bytes);
}

static void
assert_decrypts(int fd, const char *identity, gsize n_bytes)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = decrypt(fd, identity, &error);
  if (error != NULL)
    fail_msg("%s", error->message);
  assert_int_equal(bytes->len, n_bytes);
  if (n_bytes > 0)
    assert_int_equal(memcmp(bytes->data, plain, n_bytes), 0);
}

static void
assert_does_not_decrypt(int fd, const char *identity, ErrorCode code)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = decrypt(fd, identity, &error);
  assert_null(bytes);
  assert_int_equal(error_code(error), code);
  if (identity != NULL)
    assert_null(strstr(error->message, "AGE-SECRET-KEY-1Q"));
}

static void
every_recipient_can_read_it_back(void **state)
{
  (void)state;
  const char *const both[] = {publics[0], publics[1], NULL};
  const gsize sizes[] = {0, 1, 65536, PLAIN_BYTES};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
    for (guint key = 0; key < 2; key++)
      assert_decrypts(encrypt(both, sizes[i]), secrets[key], sizes[i]);
  g_autofree char *saved = g_strconcat("# my key\r\n\r\n", secrets[1], "\r\n", NULL);
  assert_decrypts(encrypt(both, 10), saved, 10);
}

static void
age_itself_reads_it(void **state)
{
  (void)state;
  g_autofree char *key_path = NULL;
  int key_fd = g_file_open_tmp("age-key-XXXXXX", &key_path, NULL);
  assert_true(write(key_fd, secrets[0], strlen(secrets[0])) > 0);
  close(key_fd);
  int fd = encrypt((const char *const[]){publics[0], NULL}, 5000);
  const ChildOptions options = {.argv = (const char *const[]){"age", "-d", "-i", key_path, NULL}, .stdin_fd = fd};
  g_autoptr(GError) error = NULL;
  ChildOptions capturing = options;
  capturing.capture_stdout = TRUE;
  g_autoptr(ChildProcess) child = child_process_spawn(&capturing, &error);
  assert_null(error);
  guint8 back[8192];
  gssize n = 0;
  for (gssize more = 1; more > 0; n += more)
    more = read(child_process_stdout(child), back + n, sizeof back - (gsize)n);
  assert_int_equal(n, 5000);
  assert_int_equal(memcmp(back, plain, 5000), 0);
  close(fd);
  g_unlink(key_path);
}

static void
without_the_right_key_it_says_so(void **state)
{
  (void)state;
  assert_does_not_decrypt(encrypt_to_first(), secrets[1], CCH_ERROR_AGE_WRONG_KEY);
  assert_does_not_decrypt(encrypt_to_first(), NULL, CCH_ERROR_AGE_NO_KEY);
  assert_does_not_decrypt(encrypt_to_first(), "", CCH_ERROR_AGE_NO_KEY);
  assert_does_not_decrypt(encrypt_to_first(), "my password", CCH_ERROR_AGE_WRONG_KEY);
  assert_does_not_decrypt(encrypt_to_first(), "AGE-SECRET-KEY-1QQQQ", CCH_ERROR_AGE_WRONG_KEY);
  assert_does_not_decrypt(encrypt_to_first(), "AGE-PLUGIN-YUBIKEY-1QQQQ\nAGE-SECRET-KEY-1QQQQ",
                          CCH_ERROR_AGE_WRONG_KEY);
  assert_does_not_decrypt(encrypt_to_first(), "-----BEGIN OPENSSH PRIVATE KEY-----\n", CCH_ERROR_AGE_WRONG_KEY);
}

static void
what_is_cut_or_changed_is_damaged(void **state)
{
  (void)state;
  int fd = encrypt_to_first();
  assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
  lseek(fd, 0, SEEK_SET);
  assert_does_not_decrypt(fd, secrets[0], CCH_ERROR_STORAGE_DAMAGED);
  fd = encrypt_to_first();
  assert_int_equal(ftruncate(fd, 0), 0);
  assert_does_not_decrypt(fd, secrets[0], CCH_ERROR_STORAGE_DAMAGED);
  fd = encrypt_to_first();
  assert_int_equal(pwrite(fd, "XX", 2, 700000), 2);
  assert_does_not_decrypt(fd, secrets[0], CCH_ERROR_STORAGE_DAMAGED);
  g_autofree char *path = NULL;
  fd = g_file_open_tmp("age-XXXXXX", &path, NULL);
  unlink(path);
  assert_int_equal(pwrite(fd, "PGDMP", 5, 0), 5);
  assert_does_not_decrypt(fd, secrets[0], CCH_ERROR_STORAGE_DAMAGED);
}

/* Gives a part of an encrypted file, and then fails. */
static gssize
failing_read(gpointer source, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  int *fd = source;
  if (lseek(*fd, 0, SEEK_CUR) > 500000) {
    error_set(error, CCH_ERROR_STORAGE_AWAY, "the line is down");
    return -1;
  }
  return read(*fd, buffer, size);
}

static void
failing_free(gpointer source)
{
  close(*(int *)source);
}

static void
the_failure_of_a_source_is_the_failure_of_its_decryption(void **state)
{
  (void)state;
  static const StorageStreamFuncs funcs = {.read = failing_read, .free = failing_free};
  int fd = encrypt_to_first();
  g_autoptr(GError) error = NULL;
  g_autoptr(StorageStream) stream = age_decrypt(storage_stream_new(&funcs, &fd), secrets[0], &error);
  guint8 piece[10000];
  gssize n = 1;
  while (n > 0)
    n = storage_stream_read(stream, piece, sizeof piece, NULL, &error);
  assert_int_equal(n, -1);
  assert_int_equal(error_code(error), CCH_ERROR_STORAGE_AWAY);
}

static gboolean
has_children(void)
{
  g_autofree char *children = NULL;
  g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
  assert_true(g_file_get_contents(path, &children, NULL, NULL));
  return *children != '\0';
}

static void
one_that_is_given_up_leaves_no_process(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autoptr(StorageStream) stream = age_decrypt(storage_stream_from_fd(encrypt_to_first()), secrets[0], &error);
  guint8 piece[1000];
  assert_int_equal(storage_stream_read(stream, piece, sizeof piece, NULL, &error), sizeof piece);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  assert_int_equal(storage_stream_read(stream, piece, sizeof piece, cancellable, &error), -1);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  assert_true(has_children());
  storage_stream_free(g_steal_pointer(&stream));
  int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  age_encrypt_free(age_encrypt_start((const char *const[]){publics[0], NULL}, null_fd, NULL));
  close(null_fd);
  assert_false(has_children());
}

static void
a_full_disk_is_said(void **state)
{
  (void)state;
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  g_autoptr(GError) error = NULL;
  g_autoptr(AgeEncryption) encryption = age_encrypt_start((const char *const[]){publics[0], NULL}, full, &error);
  close(full);
  gboolean is_written =
      age_encrypt_write(encryption, plain, PLAIN_BYTES, NULL, &error) && age_encrypt_finish(encryption, NULL, &error);
  assert_false(is_written);
  assert_int_equal(error_code(error), CCH_ERROR_DISK_FULL);
}

static void
recipients_are_checked(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_true(age_recipient_check(publics[0], &error));
  g_autofree char *public_again = age_public_key(secrets[0], &error);
  assert_string_equal(public_again, publics[0]);
  assert_null(age_public_key(publics[0], &error));
  assert_int_equal(error_code(error), CCH_ERROR_AGE_WRONG_KEY);
  g_autofree char *typo = g_strdup(publics[0]);
  typo[20] = typo[20] == 'q' ? 'p' : 'q';
  const char *const wrong[] = {
      "", typo, "age1", secrets[0], "-o/tmp/x", "ssh-rsa AAAA", "age1yubikey1qwerty", "/etc/passwd", "age1\n"};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_clear_error(&error);
    assert_false(age_recipient_check(wrong[i], &error));
    assert_int_equal(error_code(error), CCH_ERROR_AGE_RECIPIENT);
    if (i != 1 && !g_str_has_prefix(wrong[i], "ssh-")) { /* of these only age knows */
      g_clear_error(&error);
      assert_null(age_encrypt_start((const char *const[]){wrong[i], NULL}, 1, &error));
    }
  }
}

static void
without_age_its_package_is_named(void **state)
{
  (void)state;
  g_autofree char *path = g_strdup(g_getenv("PATH"));
  g_setenv("PATH", "/nowhere", TRUE);
  g_autoptr(GError) error = NULL;
  g_autofree char *secret = NULL, *public = NULL;
  assert_false(age_keygen(&secret, &public, &error));
  g_setenv("PATH", path, TRUE);
  assert_int_equal(error_code(error), CCH_ERROR_STORAGE_TOOL_MISSING);
  assert_non_null(strstr(error_text(error, LANGUAGE_EN), "apt install age"));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_recipient_can_read_it_back),
      cmocka_unit_test(age_itself_reads_it),
      cmocka_unit_test(without_the_right_key_it_says_so),
      cmocka_unit_test(what_is_cut_or_changed_is_damaged),
      cmocka_unit_test(the_failure_of_a_source_is_the_failure_of_its_decryption),
      cmocka_unit_test(one_that_is_given_up_leaves_no_process),
      cmocka_unit_test(a_full_disk_is_said),
      cmocka_unit_test(recipients_are_checked),
      cmocka_unit_test(without_age_its_package_is_named),
  };
  return cmocka_run_group_tests(tests, make_keys, free_keys);
}
