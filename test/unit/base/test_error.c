#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static void
every_error_has_its_texts_and_a_unique_code(void **state)
{
  (void)state;
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  for (int code = 0; code < CCH_ERROR_COUNT; code++) {
    const ErrorInfo *info = error_info_of((ErrorCode)code);
    assert_true(info->http_status >= 400 && info->http_status < 600);
    assert_true(info->exit_code > 0 && info->exit_code < 256);
    assert_true(strlen(info->text[LANGUAGE_ZH_CN]) > 0 && strlen(info->text[LANGUAGE_EN]) > 0);
    assert_true(g_hash_table_add(seen, (gpointer)info->code));
  }
}

/* The printf conversions of a text, in order. */
static char *
conversions(const char *text)
{
  GString *found = g_string_new(NULL);
  for (const char *p = strchr(text, '%'); p != NULL; p = strchr(p + 1, '%')) {
    gsize length = strspn(p + 1, "-+ #0123456789.lhz") + 2;
    g_string_append_len(found, p, (gssize)length);
    p += length - 1;
  }
  return g_string_free(found, FALSE);
}

static void
both_languages_take_the_same_arguments(void **state)
{
  (void)state;
  for (int id = 0; id < TEXT_COUNT; id++) {
    g_autofree char *zh = conversions(text_get((TextId)id, LANGUAGE_ZH_CN));
    g_autofree char *en = conversions(text_get((TextId)id, LANGUAGE_EN));
    assert_string_equal(zh, en);
  }
}

static void
a_file_that_is_too_large_names_the_limit(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL, odd = NULL;
  error_set_file_too_large(&error, 524288000, "612 bytes more");
  assert_string_equal(error_text(error, LANGUAGE_ZH_CN), "文件过大，最大支持 500MB");
  assert_string_equal(error_text(error, LANGUAGE_EN), "The file is too large; the limit is 500 MB");
  g_autoptr(GError) copy = g_error_copy(error);
  assert_string_equal(error_text(copy, LANGUAGE_ZH_CN), "文件过大，最大支持 500MB");
  error_set_file_too_large(&odd, 1536 * 1024, "more");
  assert_string_equal(error_text(odd, LANGUAGE_ZH_CN), "文件过大，最大支持 1.50MB");
}

static void
a_full_disk_keeps_its_meaning(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  error_set_errno(&error, ENOSPC, "write upload");
  assert_int_equal(error_code(error), CCH_ERROR_DISK_FULL);
  assert_int_equal(error_info(error)->http_status, 507);
}

static void
a_postgresql_error_keeps_its_sqlstate_when_wrapped(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  error_set_sql(&error, CCH_ERROR_DATABASE_QUERY, "42P07", "heap_create", "relation exists");
  g_prefix_error(&error, "create table users: ");
  g_autoptr(GError) copy = g_error_copy(error);
  assert_string_equal(error_sqlstate(copy), "42P07");
  assert_string_equal(error_source_function(copy), "heap_create");
  assert_string_equal(copy->message, "create table users: relation exists");
}

static void
accept_language_is_weighed(void **state)
{
  (void)state;
  assert_int_equal(language_from_accept(NULL), LANGUAGE_ZH_CN);
  assert_int_equal(language_from_accept("fr, de"), LANGUAGE_ZH_CN);
  assert_int_equal(language_from_accept("en-US,en;q=0.9"), LANGUAGE_EN);
  assert_int_equal(language_from_accept("en;q=0.3, zh-TW;q=0.8"), LANGUAGE_ZH_CN);
  assert_int_equal(language_from_accept("en;q=0"), LANGUAGE_ZH_CN);
  assert_int_equal(language_from_accept("enx"), LANGUAGE_ZH_CN);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_error_has_its_texts_and_a_unique_code),
      cmocka_unit_test(both_languages_take_the_same_arguments),
      cmocka_unit_test(a_file_that_is_too_large_names_the_limit),
      cmocka_unit_test(a_full_disk_keeps_its_meaning),
      cmocka_unit_test(a_postgresql_error_keeps_its_sqlstate_when_wrapped),
      cmocka_unit_test(accept_language_is_weighed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
