#include "backup/manifest/manifest.h"

#include "base/error.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#define HASH   "0123456789abcdef0123456789abcdef"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static Manifest *
sample(void)
{
  Manifest *manifest = manifest_new();
  manifest->archive = g_strdup("backup.dump");
  manifest->archive_bytes = 5000000000;
  manifest->archive_sha256 = g_strdup(SHA256);
  manifest->snapshot_time = g_strdup("2025-01-29T10:30:00.123Z");
  manifest->server_version = g_strdup("15.1");
  manifest->product_version = g_strdup("0.1.0");
  manifest->compression = g_strdup("fast");
  manifest->excludes_logs = TRUE;
  RowTotals totals = {.rows = 3, .bytes = 40};
  assert_true(row_totals_set_hash(&totals, HASH));
  manifest_add_table(manifest, "public", "users", &totals);
  manifest_add_table(manifest, "public", "keys", &totals);
  return manifest;
}

static void
a_manifest_is_read_as_it_was_written(void **state)
{
  g_autoptr(Manifest) manifest = sample();
  g_autofree char *json = manifest_to_json(manifest);
  assert_null(strchr(json, '\n'));
  g_autoptr(Manifest) read = manifest_from_json(json, strlen(json), NULL);
  assert_non_null(read);
  g_autofree char *again = manifest_to_json(read);
  assert_string_equal(again, json);
  assert_int_equal(read->archive_bytes, 5000000000);
  assert_string_equal(read->archive_sha256, SHA256);
  assert_null(read->database);
  assert_true(read->excludes_logs);
  const ManifestTable *keys = manifest_find(read, "public", "keys");
  assert_non_null(keys);
  assert_int_equal(keys->totals.rows, 3);
  assert_null(manifest_find(read, NULL, "keys"));
  RowTotals all = manifest_totals(read);
  assert_int_equal(all.rows, 6);
  assert_int_equal(all.bytes, 80);
  assert_true(all.hash_high == 2 * 0x0123456789abcdefu);
}

static void
what_is_not_a_manifest_is_refused(void **state)
{
#define HEAD              "{\"format\":\"cch-data manifest\",\"version\":1,\"bytes\":1,"
#define TABLE(rows, hash) "{\"schema\":\"s\",\"name\":\"t\",\"rows\":" rows ",\"bytes\":1,\"rowHash\":\"" hash "\"}"
  static const char *const wrong[] = {
      "",
      "[]",
      "{",
      "{\"format\":\"other\",\"version\":1,\"bytes\":1,\"tables\":[]}",
      "{\"format\":\"cch-data manifest\",\"version\":2,\"bytes\":1,\"tables\":[]}",
      "{\"format\":\"cch-data manifest\",\"version\":1,\"tables\":[]}",
      HEAD "\"tables\":{}}",
      HEAD "\"tables\":[1]}",
      HEAD "\"archive\":1,\"tables\":[]}",
      HEAD "\"sha256\":\"12\",\"tables\":[]}",
      HEAD "\"tables\":[" TABLE("-1", HASH) "]}",
      HEAD "\"tables\":[" TABLE("1.5", HASH) "]}",
      HEAD "\"tables\":[" TABLE("1", "xyz") "]}",
      HEAD "\"tables\":[" TABLE("1", HASH) "," TABLE("1", HASH) "]}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(manifest_from_json(wrong[i], strlen(wrong[i]), &error));
    assert_int_equal(error_code(error), CCH_ERROR_MANIFEST);
  }
  const char *right = HEAD "\"tables\":[" TABLE("1", HASH) "],\"later\":\"ignored\"}";
  g_autoptr(Manifest) manifest = manifest_from_json(right, strlen(right), NULL);
  assert_non_null(manifest);
}

static void
names_that_are_not_utf8_do_not_break_the_json(void **state)
{
  g_autoptr(Manifest) manifest = manifest_new();
  RowTotals totals = {.rows = 1};
  manifest_add_table(manifest, "public", "caf\xe9", &totals);
  g_autofree char *json = manifest_to_json(manifest);
  g_autoptr(Manifest) read = manifest_from_json(json, strlen(json), NULL);
  assert_non_null(read);
  assert_int_equal(read->tables->len, 1);
}

static void
a_file_is_loaded_and_named_in_errors(void **state)
{
  g_autoptr(GError) error = NULL;
  char *directory = test_directory_new();
  g_autofree char *path = g_build_filename(directory, "a.manifest.json", NULL);
  assert_null(manifest_load(path, &error));
  assert_int_equal(error_code(error), CCH_ERROR_FILE);
  g_clear_error(&error);
  assert_true(g_file_set_contents(path, "no", -1, NULL));
  assert_null(manifest_load(path, &error));
  assert_int_equal(error_code(error), CCH_ERROR_MANIFEST);
  assert_true(g_str_has_prefix(error->message, path));
  g_autoptr(Manifest) manifest = sample();
  g_autofree char *json = manifest_to_json(manifest);
  assert_true(g_file_set_contents(path, json, -1, NULL));
  g_autoptr(Manifest) read = manifest_load(path, NULL);
  assert_non_null(read);
  assert_int_equal(read->tables->len, 2);
  g_autoptr(Manifest) of_folder = manifest_load(directory, NULL);
  assert_null(of_folder);
  test_directory_free(directory);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_manifest_is_read_as_it_was_written),
      cmocka_unit_test(what_is_not_a_manifest_is_refused),
      cmocka_unit_test(names_that_are_not_utf8_do_not_break_the_json),
      cmocka_unit_test(a_file_is_loaded_and_named_in_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
