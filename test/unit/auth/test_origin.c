#include "auth/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

static void
an_origin_must_name_the_host_and_port(void **state)
{
  (void)state;
  assert_true(origin_is_own("http://127.0.0.1:23100", NULL, "127.0.0.1:23100"));
  assert_true(origin_is_own("https://Hub.Example", NULL, "hub.example"));
  assert_true(origin_is_own("https://hub.example", NULL, "hub.example:443"));
  assert_true(origin_is_own("http://[::1]:80", NULL, "[::1]"));
  assert_false(origin_is_own("http://127.0.0.1:23101", NULL, "127.0.0.1:23100"));
  assert_false(origin_is_own("http://127.0.0.1", NULL, "127.0.0.1:23100"));
  assert_false(origin_is_own("https://evil.example", NULL, "hub.example"));
  assert_false(origin_is_own("https://hub.example.evil.example", NULL, "hub.example"));
  assert_false(origin_is_own("https://hub.example", NULL, NULL));
}

static void
an_opaque_or_strange_origin_is_refused(void **state)
{
  (void)state;
  assert_false(origin_is_own("null", NULL, "null"));
  assert_false(origin_is_own("", NULL, ""));
  assert_false(origin_is_own("http://", NULL, ""));
  assert_false(origin_is_own("file://hub.example", NULL, "hub.example"));
  /* Fetch metadata does not outvote an Origin. */
  assert_false(origin_is_own("https://evil.example", "same-origin", "hub.example"));
}

static void
without_an_origin_the_fetch_metadata_decide(void **state)
{
  (void)state;
  assert_true(origin_is_own(NULL, "same-origin", "hub.example"));
  assert_true(origin_is_own(NULL, "none", "hub.example"));
  assert_false(origin_is_own(NULL, "same-site", "hub.example"));
  assert_false(origin_is_own(NULL, "cross-site", "hub.example"));
  assert_true(origin_is_own(NULL, NULL, "hub.example"));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_origin_must_name_the_host_and_port),
      cmocka_unit_test(an_opaque_or_strange_origin_is_refused),
      cmocka_unit_test(without_an_origin_the_fetch_metadata_decide),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
