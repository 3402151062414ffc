#include "auth/secret_file.h"
#include "auth/session.h"
#include "base/error.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka.h needs the above. */
#include <cmocka.h>

static const Session key_session = {SESSION_KEY, 7, 42, 0xfedcba9876543210u, 1000, 2000, -99};

static void
a_session_says_what_was_signed_until_it_expires(void **state)
{
  (void)state;
  guint8 secret[SESSION_SECRET_BYTES];
  session_derive_secret("the administrator's token", NULL, secret);
  g_autofree char *token = session_sign(&key_session, secret);
  Session read = {0};
  assert_true(session_verify(token, secret, 1999, &read));
  assert_int_equal(read.kind, SESSION_KEY);
  assert_int_equal(read.user_id, 7);
  assert_int_equal(read.key_id, 42);
  assert_true(read.key_mark == key_session.key_mark);
  assert_int_equal(read.issued_s, 1000);
  assert_int_equal(read.expires_s, 2000);
  assert_int_equal(read.id, -99);
  assert_false(session_verify(token, secret, 2000, &read));
}

static void
no_changed_character_passes(void **state)
{
  (void)state;
  guint8 secret[SESSION_SECRET_BYTES];
  session_derive_secret("the administrator's token", NULL, secret);
  g_autofree char *token = session_sign(&key_session, secret);
  Session read;
  for (gsize i = 0; i < strlen(token); i++) {
    g_autofree char *changed = g_strdup(token);
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    assert_false(session_verify(changed, secret, 1500, &read));
    changed[i] = '\0';
    assert_false(session_verify(changed, secret, 1500, &read));
  }
  g_autofree char *longer = g_strconcat(token, "AAAA", NULL);
  assert_false(session_verify(longer, secret, 1500, &read));
  assert_false(session_verify("", secret, 1500, &read));
  assert_false(session_verify("not base64!", secret, 1500, &read));
}

static void
another_token_ends_all_sessions(void **state)
{
  (void)state;
  guint8 one[SESSION_SECRET_BYTES], same[SESSION_SECRET_BYTES], other[SESSION_SECRET_BYTES],
      mixed[SESSION_SECRET_BYTES];
  session_derive_secret("token", NULL, one);
  session_derive_secret("token", NULL, same);
  session_derive_secret("Token", NULL, other);
  session_derive_secret("token", "secret of the installation", mixed);
  g_autofree char *cookie = session_sign(&key_session, one);
  Session read;
  assert_true(session_verify(cookie, same, 1500, &read));
  assert_false(session_verify(cookie, other, 1500, &read));
  assert_false(session_verify(cookie, mixed, 1500, &read));
}

static void
a_secret_file_is_made_once_and_private(void **state)
{
  (void)state;
  g_autofree char *directory = g_dir_make_tmp("cch-secret-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(directory, "admin-token", NULL);
  g_autoptr(GError) error = NULL;
  gboolean is_new = FALSE;
  g_autofree char *first = secret_file_load(path, &is_new, &error);
  assert_non_null(first);
  assert_true(is_new);
  assert_int_equal(strlen(first), 43);
  GStatBuf info;
  assert_int_equal(g_stat(path, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  g_autofree char *second = secret_file_load(path, &is_new, &error);
  assert_false(is_new);
  assert_string_equal(first, second);

  assert_int_equal(g_chmod(path, 0644), 0);
  assert_null(secret_file_load(path, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  g_clear_error(&error);
  assert_int_equal(g_chmod(path, 0600), 0);
  assert_true(g_file_set_contents_full(path, "short\n", -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
  assert_null(secret_file_load(path, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  g_unlink(path);
  g_rmdir(directory);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_session_says_what_was_signed_until_it_expires),
      cmocka_unit_test(no_changed_character_passes),
      cmocka_unit_test(another_token_ends_all_sessions),
      cmocka_unit_test(a_secret_file_is_made_once_and_private),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
