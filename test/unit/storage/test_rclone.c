/* Real servers on loopback. */
#include "rclone_support.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
note_progress(guint64 done, guint64 total, gpointer data)
{
  assert_true(done <= total);
  *(guint64 *)data = done;
}

/* What every destination does. */
static void
check_destination(Storage *storage)
{
  g_autoptr(GError) error = NULL;
  guint64 done = 0;
  assert_ok(storage_put(storage, rclone_local, NAME, note_progress, &done, NULL, &error), &error);
  assert_int_equal(done, FILE_BYTES);
  assert_int_equal(read_back(storage, &error), FILE_BYTES);
  assert_ok(storage_put(storage, rclone_local, NAME, NULL, NULL, NULL, &error), &error); /* again */
  g_autoptr(GBytes) other = g_bytes_new_static("{}\n", 3), empty = g_bytes_new_static("", 0);
  assert_fails(storage_put_bytes(storage, other, NAME, NULL, &error), &error, CCH_ERROR_STORAGE_EXISTS);
  assert_ok(storage_put_bytes(storage, other, NAME ".manifest.json", NULL, &error), &error);
  assert_ok(storage_put_bytes(storage, empty, "\xe6\xaf\x8f\xe5\x91\xa8 #1/backup_+%20.dump", NULL, &error), &error);
  g_autoptr(GBytes) nothing =
      storage_get_bytes(storage, "\xe6\xaf\x8f\xe5\x91\xa8 #1/backup_+%20.dump", 10, NULL, &error);
  assert_ok(nothing != NULL && g_bytes_get_size(nothing) == 0, &error);
  g_autoptr(GPtrArray) all = list_all(storage), daily = storage_list(storage, "daily", NULL, &error);
  g_autoptr(GPtrArray) none = storage_list(storage, "hourly", NULL, &error);
  assert_ok(all != NULL && daily != NULL && none != NULL, &error);
  assert_int_equal(all->len, 3);
  assert_int_equal(daily->len, 2);
  assert_int_equal(none->len, 0);
  const StorageFile *first = daily->pdata[0];
  assert_string_equal(first->name, NAME);
  assert_int_equal(first->bytes, FILE_BYTES);
  assert_true(ABS(first->modified_s - g_get_real_time() / G_USEC_PER_SEC) < 300);
  for (guint i = 0; i < all->len; i++)
    assert_ok(storage_delete(storage, ((StorageFile *)all->pdata[i])->name, NULL, &error), &error);
  assert_ok(storage_delete(storage, NAME, NULL, &error), &error); /* a missing one is success */
  assert_null(storage_get(storage, NAME, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_MISSING);
  assert_empty(storage);
}

static void
webdav_of_rclone(void **state)
{
  (void)state;
  guint port = free_port();
  g_autofree char *folder = make_folder("webdav"), *address = g_strdup_printf("127.0.0.1:%u", port);
  const char *const argv[] = {"rclone", "serve", "webdav", folder,       "--addr", address,
                              "--user", "me",    "--pass", "top-secret", NULL};
  g_autoptr(ChildProcess) server = serve(port, argv);
  g_autoptr(Storage) storage = open_webdav(port, "a b/backups", "top-secret", 0);
  check_destination(storage);
  g_autoptr(GError) error = NULL;
  StorageTestStep step = STORAGE_TEST_WRITE;
  assert_ok(storage_test(storage, &step, NULL, &error), &error);
  g_autofree char *description = storage_describe(storage),
                  *expected = g_strdup_printf("webdav://me@%s/a b/backups", address);
  assert_string_equal(description, expected);
  g_autoptr(Storage) wrong = open_webdav(port, "", "wrong-top-secret", 0);
  step = STORAGE_TEST_DELETE;
  assert_fails(storage_test(wrong, &step, NULL, &error), &error, CCH_ERROR_STORAGE_REFUSED);
  assert_int_equal(step, STORAGE_TEST_WRITE);
  assert_null(storage_list(wrong, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_REFUSED);
  /* Files of others are neither listed nor cleaned. */
  g_autofree char *others = g_build_filename(folder, "a b/backups/others.partial", NULL);
  assert_true(g_file_set_contents(others, "x", 1, NULL));
  g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
  assert_ok(storage_put_bytes(storage, bytes, "daily/backup_1.dump.01234567.partial", NULL, &error), &error);
  guint n_removed = 0;
  assert_ok(storage_clean(storage, "daily", 3600, &n_removed, NULL, &error), &error);
  assert_int_equal(n_removed, 0);
  assert_ok(storage_clean(storage, NULL, 0, &n_removed, NULL, &error), &error);
  assert_int_equal(n_removed, 1);
  assert_true(g_file_test(others, G_FILE_TEST_EXISTS));
  assert_empty(storage);
}

static char *
make_key(const char *name, const char *type)
{
  char *path = g_build_filename(rclone_directory, name, NULL);
  const char *const argv[] = {"ssh-keygen", "-q", "-t", type, "-N", "", "-C", "test", "-f", path, NULL};
  g_autoptr(GError) error = NULL;
  g_autofree char *output = child_process_run(&(ChildOptions){.argv = argv}, NULL, &error);
  assert_ok(output != NULL, &error);
  return path;
}

static char *
read_text(const char *path, const char *suffix)
{
  g_autofree char *whole = g_strconcat(path, suffix, NULL);
  char *text = NULL;
  assert_true(g_file_get_contents(whole, &text, NULL, NULL));
  return text;
}

static void
sftp_of_rclone(void **state)
{
  (void)state;
  guint port = free_port();
  g_autofree char *folder = make_folder("sftp"), *address = g_strdup_printf("127.0.0.1:%u", port);
  g_autofree char *key = make_key("host", "ed25519"), *other = make_key("other", "ed25519");
  g_autofree char *host_key = read_text(key, ".pub"), *other_key = read_text(other, ".pub");
  const char *const argv[] = {"rclone", "serve",  "sftp",       folder,  "--addr", address, "--user",
                              "me",     "--pass", "top-secret", "--key", key,      NULL};
  g_autoptr(ChildProcess) server = serve(port, argv);
  const char *form = "{s:s, s:i, s:s, s:s, s:s}";
  g_autoptr(Storage) storage = open_storage(
      "sftp", json_pack(form, "host", "127.0.0.1", "port", port, "user", "me", "path", "/a/b", "hostKey", host_key),
      json_pack("{s:s}", "password", "top-secret"), 0);
  check_destination(storage);
  g_autoptr(GError) error = NULL;
  g_autoptr(Storage) foreign = open_storage(
      "sftp", json_pack(form, "host", "127.0.0.1", "port", port, "user", "me", "path", "", "hostKey", other_key),
      json_pack("{s:s}", "password", "top-secret"), 0);
  assert_null(storage_list(foreign, NULL, NULL, &error));
  assert_non_null(strstr(error_text(error, LANGUAGE_EN), "ssh-keyscan"));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_REFUSED);
  g_autoptr(Storage) wrong = open_storage(
      "sftp", json_pack(form, "host", "127.0.0.1", "port", port, "user", "me", "path", "", "hostKey", host_key),
      json_pack("{s:s}", "password", "not top-secret"), 0);
  assert_null(storage_list(wrong, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_REFUSED);
}

/* OpenSSH's server with a key; needs root, as it changes its user. */
static void
sftp_of_openssh(void **state)
{
  (void)state;
  if (!g_file_test("/usr/sbin/sshd", G_FILE_TEST_EXISTS) || geteuid() != 0) {
    print_message("skipped: no OpenSSH server\n");
    skip();
  }
  g_mkdir("/run/sshd", 0755);
  guint port = free_port();
  g_autofree char *folder = make_folder("openssh"), *key = make_key("sshd", "ed25519"), *rsa = make_key("rsa", "rsa");
  g_autofree char *user_key = make_key("user", "ed25519"),
                  *config = g_build_filename(rclone_directory, "sshd_config", NULL);
  g_autofree char *host_key = read_text(key, ".pub"), *rsa_key = read_text(rsa, ".pub"),
                  *secret = read_text(user_key, "");
  g_autofree char *lines =
      g_strdup_printf("Port %u\nListenAddress 127.0.0.1\nHostKey %s\nHostKey %s\nAuthorizedKeysFile %s.pub\n"
                      "PermitRootLogin yes\nStrictModes no\nUsePAM no\nPidFile none\n"
                      "Subsystem sftp internal-sftp\nForceCommand internal-sftp\n",
                      port, key, rsa, user_key);
  assert_true(g_file_set_contents(config, lines, -1, NULL));
  g_autoptr(ChildProcess) server = serve(port, (const char *const[]){"/usr/sbin/sshd", "-D", "-f", config, NULL});
  /* Both keys, as ssh-keyscan shows them. */
  g_autofree char *both = g_strdup_printf("# 127.0.0.1 SSH-2.0\n127.0.0.1 %s127.0.0.1 %s", host_key, rsa_key);
  g_autoptr(Storage) storage = open_storage("sftp",
                                            json_pack("{s:s, s:i, s:s, s:s, s:s}", "host", "127.0.0.1", "port", port,
                                                      "user", "root", "path", folder, "hostKey", both),
                                            json_pack("{s:s}", "privateKey", secret), 0);
  check_destination(storage);
}

static void
a_remote_of_the_operators_configuration(void **state)
{
  (void)state;
  g_autofree char *folder = make_folder("remote"), *config = g_build_filename(rclone_directory, "rclone.conf", NULL);
  g_autofree char *text = g_strdup_printf("[my disk]\ntype = alias\nremote = %s\n", folder);
  assert_true(g_file_set_contents(config, text, -1, NULL));
  g_autoptr(Storage) storage =
      open_storage("rclone", json_pack("{s:s, s:s}", "remote", "my disk:hub", "config", config), NULL, 0);
  check_destination(storage);
  g_autoptr(Storage) unknown =
      open_storage("rclone", json_pack("{s:s, s:s}", "remote", "other:hub", "config", config), NULL, 0);
  g_autoptr(GError) error = NULL;
  assert_null(storage_list(unknown, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_SETTINGS);
}

static Storage *
open_s3(guint port, const char *bucket, const char *prefix, const char *key_id)
{
  g_autofree char *endpoint = g_strdup_printf("http://127.0.0.1:%u", port);
  return open_storage(
      "s3",
      json_pack("{s:s, s:s, s:s, s:b}", "endpoint", endpoint, "bucket", bucket, "prefix", prefix, "pathStyle", TRUE),
      json_pack("{s:s, s:s}", "accessKeyId", key_id, "secretAccessKey", "S3RVER"), 0);
}

static void
s3_of_s3rver(void **state)
{
  (void)state;
  const char *program = SOURCE_ROOT "/test/node_modules/s3rver/bin/s3rver.js";
  if (!g_file_test(program, G_FILE_TEST_EXISTS)) {
    print_message("skipped: the npm package s3rver is not installed in test/\n");
    skip();
  }
  guint port = free_port();
  g_autofree char *folder = make_folder("s3"), *port_text = g_strdup_printf("%u", port);
  const char *const argv[] = {"node",      program,  "--directory", folder,     "--address",
                              "127.0.0.1", "--port", port_text,     "--silent", "--configure-bucket",
                              "backups",   NULL};
  g_autoptr(ChildProcess) server = serve(port, argv);
  g_autoptr(Storage) storage = open_s3(port, "backups", "hub/one", "S3RVER");
  check_destination(storage);
  g_autoptr(GError) error = NULL;
  g_autoptr(Storage) wrong = open_s3(port, "backups", "", "not-the-top-secret");
  assert_null(storage_list(wrong, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_REFUSED);
  g_autoptr(Storage) missing = open_s3(port, "nothing", "", "S3RVER");
  assert_null(storage_list(missing, NULL, NULL, &error));
  assert_fails(FALSE, &error, CCH_ERROR_STORAGE_MISSING);
  assert_fails(storage_put(missing, rclone_local, NAME, NULL, NULL, NULL, &error), &error, CCH_ERROR_STORAGE_MISSING);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(webdav_of_rclone), cmocka_unit_test(sftp_of_rclone),
      cmocka_unit_test(sftp_of_openssh),  cmocka_unit_test(a_remote_of_the_operators_configuration),
      cmocka_unit_test(s3_of_s3rver),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
