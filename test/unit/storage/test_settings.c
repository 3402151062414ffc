#include "base/error.h"
#include "storage/storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

#define HOST_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static Storage *
open_with(const char *kind, const char *settings, const char *secrets, GError **error)
{
  g_autoptr(json_t) given = json_loads(settings, 0, NULL), hidden = json_loads(secrets, 0, NULL);
  assert_non_null(given);
  assert_non_null(hidden);
  return storage_open(&(StorageOptions){.kind = kind, .settings = given, .secrets = hidden}, error);
}

static void
good_settings_are_described_without_secrets(void **state)
{
  (void)state;
  const struct {
    const char *kind, *settings, *secrets, *description;
  } cases[] = {
      {"directory", "{\"path\": \"/srv//backups/\"}", "{}", "/srv/backups"},
      {"s3",
       "{\"bucket\": \"my.bucket\", \"prefix\": \"/hub//one/\", \"endpoint\": \"minio:9000/path\", \"pathStyle\": "
       "true}",
       "{\"accessKeyId\": \"id\", \"secretAccessKey\": \"pw\"}",
       "s3://my.bucket/hub/one?endpoint=https://minio:9000/path"},
      {"s3", "{\"bucket\": \"b-1\", \"region\": \"eu-west-1\", \"accessKeyId\": \"id\"}",
       "{\"secretAccessKey\": \"pw\"}", "s3://b-1"},
      {"webdav", "{\"url\": \"https://dav.jianguoyun.com/dav/\", \"user\": \"a@b.c\", \"path\": \"\\u5907\\u4efd\"}",
       "{\"password\": \"pw\"}", "webdavs://a@b.c@dav.jianguoyun.com/dav/\xe5\xa4\x87\xe4\xbb\xbd"},
      {"sftp", "{\"host\": \"nas\", \"user\": \"me\", \"path\": \"/srv/x\", \"hostKey\": \"nas " HOST_KEY "\\n\"}",
       "{\"password\": \"pw\"}", "sftp://me@nas/srv/x"},
      {"sftp", "{\"host\": \"nas\", \"port\": 2222, \"user\": \"me\", \"hostKey\": \"" HOST_KEY " comment\"}",
       "{\"privateKey\": \"-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\\n-----END OPENSSH PRIVATE KEY-----\\n\"}",
       "sftp://me@nas:2222/~/"},
      {"rclone", "{\"remote\": \"my drive:hub/backups\"}", "{}", "rclone:my drive:hub/backups"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Storage) storage = open_with(cases[i].kind, cases[i].settings, cases[i].secrets, &error);
    if (storage == NULL)
      fail_msg("%s: %s", cases[i].settings, error->message);
    g_autofree char *description = storage_describe(storage);
    assert_string_equal(description, cases[i].description);
    assert_null(strstr(description, "pw"));
  }
}

static void
bad_settings_are_refused_and_named(void **state)
{
  (void)state;
  const char *keys = "{\"accessKeyId\": \"id\", \"secretAccessKey\": \"pw\"}";
  const struct {
    const char *kind, *settings, *secrets, *named;
  } cases[] = {
      {"ftp", "{}", "{}", "kind"},
      {"directory", "{\"path\": \"relative\"}", "{}", "path"},
      {"directory", "{\"path\": \"/a\\nb\"}", "{}", "path"},
      {"directory", "{\"path\": \"/a\", \"password\": \"pw\"}", "{}", "password"},
      {"directory", "{\"path\": 1}", "{}", "path"},
      {"directory", "[]", "{}", "object"},
      {"directory", "{}", "{\"password\": \"pw\"}", "password"},
      {"s3", "{}", keys, "bucket"},
      {"s3", "{\"bucket\": \"a/b\"}", keys, "bucket"},
      {"s3", "{\"bucket\": \"abc\", \"prefix\": \"a/../b\"}", keys, ".."},
      {"s3", "{\"bucket\": \"abc\", \"endpoint\": \"ftp://x\"}", keys, "endpoint"},
      {"s3", "{\"bucket\": \"abc\", \"endpoint\": \"https://id:pw@x\"}", keys, "endpoint"},
      {"s3", "{\"bucket\": \"abc\", \"endpoint\": \"https://x?a=b\"}", keys, "endpoint"},
      {"s3", "{\"bucket\": \"abc\", \"region\": \"eu west\"}", keys, "region"},
      {"s3", "{\"bucket\": \"abc\", \"pathStyle\": \"yes\"}", keys, "pathStyle"},
      {"s3", "{\"bucket\": \"abc\"}", "{\"accessKeyId\": \"id\"}", "secretAccessKey"},
      {"webdav", "{\"user\": \"me\"}", "{}", "url"},
      {"webdav", "{\"url\": \"dav.example.com\"}", "{}", "url"},
      {"webdav", "{\"url\": \"https://me:pw@x/\"}", "{}", "url"},
      {"webdav", "{\"url\": \"https://x/\", \"vendor\": \"fastmail\"}", "{}", "vendor"},
      {"sftp", "{\"host\": \"nas\", \"user\": \"me\"}", "{\"password\": \"pw\"}", "hostKey"},
      {"sftp", "{\"host\": \"nas\", \"user\": \"me\", \"hostKey\": \"SHA256:abc\"}", "{\"password\": \"pw\"}",
       "hostKey"},
      {"sftp", "{\"host\": \"nas\", \"user\": \"me\", \"hostKey\": \"# nothing\"}", "{\"password\": \"pw\"}",
       "hostKey"},
      {"sftp", "{\"host\": \"-oProxyCommand=x\", \"user\": \"me me\", \"hostKey\": \"" HOST_KEY "\"}",
       "{\"password\": \"pw\"}", "host"},
      {"sftp", "{\"host\": \"nas\", \"user\": \"me\", \"hostKey\": \"" HOST_KEY "\"}", "{}", "private key"},
      {"sftp", "{\"host\": \"nas\", \"user\": \"me\", \"hostKey\": \"" HOST_KEY "\"}", "{\"privateKey\": \"pw\"}",
       "privateKey"},
      {"sftp", "{\"host\": \"nas\", \"port\": 70000, \"user\": \"me\", \"hostKey\": \"" HOST_KEY "\"}",
       "{\"password\": \"pw\"}", "port"},
      {"rclone", "{\"remote\": \"/etc\"}", "{}", "remote"},
      {"rclone", "{\"remote\": \":s3,access_key_id=x:bucket\"}", "{}", "remote"},
      {"rclone", "{\"remote\": \"s3,access_key_id=x:bucket\"}", "{}", "remote"},
      {"rclone", "{\"remote\": \"--config=x:y\"}", "{}", "remote"},
      {"rclone", "{\"remote\": \"a:b\", \"config\": \"rclone.conf\"}", "{}", "config"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Storage) storage = open_with(cases[i].kind, cases[i].settings, cases[i].secrets, &error);
    if (storage != NULL)
      fail_msg("%s is taken", cases[i].settings);
    assert_int_equal(error_code(error), CCH_ERROR_STORAGE_SETTINGS);
    if (strstr(error->message, cases[i].named) == NULL)
      fail_msg("%s: %s", cases[i].settings, error->message);
    assert_null(strstr(error->message, "pw"));
  }
  g_autofree char *long_text = g_strnfill(5000, 'x');
  g_autofree char *settings = g_strdup_printf("{\"path\": \"/%s\"}", long_text);
  assert_null(open_with("directory", settings, "{}", NULL));
}

static void
a_url_becomes_settings(void **state)
{
  (void)state;
  g_setenv("AWS_ACCESS_KEY_ID", "id", TRUE);
  g_setenv("AWS_SECRET_ACCESS_KEY", "pw", TRUE);
  g_setenv("WEBDAV_PASSWORD", "dav-pw", TRUE);
  g_setenv("SFTP_PASSWORD", "sftp-pw", TRUE);
  g_unsetenv("AWS_SESSION_TOKEN");
  g_unsetenv("AWS_ENDPOINT_URL");
  g_setenv("AWS_REGION", "us-east-2", TRUE);
  const struct {
    const char *url, *kind, *settings, *secrets;
  } cases[] = {
      {"/srv/a b", "directory", "{\"path\":\"/srv/a b\"}", "{}"},
      {"file:///srv/a%20b", "directory", "{\"path\":\"/srv/a b\"}", "{}"},
      {"s3://b1/x/y?endpoint=https%3A%2F%2Fm%3A9000%2Fp&path_style=true&region=auto", "s3",
       "{\"bucket\":\"b1\",\"endpoint\":\"https://m:9000/p\",\"pathStyle\":true,\"prefix\":\"x/"
       "y\",\"region\":\"auto\"}",
       "{\"accessKeyId\":\"id\",\"secretAccessKey\":\"pw\"}"},
      {"s3://b1", "s3", "{\"bucket\":\"b1\",\"region\":\"us-east-2\"}",
       "{\"accessKeyId\":\"id\",\"secretAccessKey\":\"pw\"}"},
      {"webdavs://me%40x@h:8443/a/b", "webdav", "{\"path\":\"a/b\",\"url\":\"https://h:8443\",\"user\":\"me@x\"}",
       "{\"password\":\"dav-pw\"}"},
      {"webdav://me@h/cloud/remote.php/dav/files/me/Backups", "webdav",
       "{\"path\":\"Backups\",\"url\":\"http://h/cloud/remote.php/dav/files/me\",\"user\":\"me\"}",
       "{\"password\":\"dav-pw\"}"},
      {"sftp://me@h:2222/srv/x?key=/k&known_hosts=/h", "sftp",
       "{\"host\":\"h\",\"knownHostsFile\":\"/h\",\"path\":\"/srv/x\",\"port\":2222,\"privateKeyFile\":\"/"
       "k\",\"user\":\"me\"}",
       "{\"password\":\"sftp-pw\"}"},
      {"sftp://me@h/~/x?known_hosts=/h", "sftp",
       "{\"host\":\"h\",\"knownHostsFile\":\"/h\",\"path\":\"x\",\"user\":\"me\"}", "{\"password\":\"sftp-pw\"}"},
      {"rclone:my drive:a/b", "rclone", "{\"remote\":\"my drive:a/b\"}", "{}"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) settings = NULL, secrets = NULL;
    const char *kind = NULL;
    if (!storage_settings_from_url(cases[i].url, &kind, &settings, &secrets, &error))
      fail_msg("%s: %s", cases[i].url, error->message);
    assert_string_equal(kind, cases[i].kind);
    g_autofree char *text = json_dumps(settings, JSON_SORT_KEYS | JSON_COMPACT);
    g_autofree char *hidden = json_dumps(secrets, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text, cases[i].settings);
    assert_string_equal(hidden, cases[i].secrets);
    g_autoptr(Storage) storage =
        storage_open(&(StorageOptions){.kind = kind, .settings = settings, .secrets = secrets}, &error);
    if (storage == NULL)
      fail_msg("%s: %s", cases[i].url, error->message);
  }
}

static void
a_bad_url_is_refused(void **state)
{
  (void)state;
  const char *const urls[] = {"",
                              "ftp://h/x",
                              "webdavs://me:hidden@h/x",
                              "sftp://me:hidden@h/x",
                              "s3://b1?secret=x",
                              "file://other/x",
                              "s3://b1?endpoint=a&b=c",
                              "http://[::1/x"};
  for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
    g_autoptr(GError) error = NULL;
    json_t *settings = NULL, *secrets = NULL;
    const char *kind = NULL;
    if (storage_settings_from_url(urls[i], &kind, &settings, &secrets, &error))
      fail_msg("%s is taken", urls[i]);
    assert_int_equal(error_code(error), CCH_ERROR_STORAGE_SETTINGS);
    assert_null(strstr(error->message, "hidden"));
    assert_true(settings == NULL && secrets == NULL);
  }
  g_unsetenv("AWS_SECRET_ACCESS_KEY");
  g_autoptr(GError) error = NULL;
  json_t *settings = NULL, *secrets = NULL;
  const char *kind = NULL;
  assert_false(storage_settings_from_url("s3://b1", &kind, &settings, &secrets, &error));
  assert_non_null(strstr(error->message, "AWS_SECRET_ACCESS_KEY"));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_settings_are_described_without_secrets),
      cmocka_unit_test(bad_settings_are_refused_and_named),
      cmocka_unit_test(a_url_becomes_settings),
      cmocka_unit_test(a_bad_url_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
