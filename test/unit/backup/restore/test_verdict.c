#include "backup/restore/verdict.h"
#include "base/error.h"

#include <gio/gio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static Verdict
judge_from(ErrorCode code, const char *sqlstate, const char *source_function, const char *desc, gboolean keeps_present)
{
  g_autoptr(GError) error = NULL;
  /* The message must not matter. */
  error_set_sql(&error, code, sqlstate, source_function, "role \"duplicate\" already exists, deadlock detected");
  return verdict_of(error, toc_kind_of(desc), keeps_present);
}

static Verdict
judge(const char *sqlstate, const char *desc, gboolean keeps_present)
{
  return judge_from(CCH_ERROR_DATABASE_QUERY, sqlstate, "some_function", desc, keeps_present);
}

static void
what_exists_already_is_told_by_its_sqlstate(void **state)
{
  (void)state;
  static const char *const states[] = {"42P07", "42710", "42723", "42P06", "42701"};
  static const char *const kinds[] = {"TABLE", "INDEX", "FUNCTION", "SCHEMA", "FK CONSTRAINT", NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(states); i++)
    for (gsize j = 0; j < G_N_ELEMENTS(kinds); j++) {
      assert_int_equal(judge(states[i], kinds[j], FALSE), VERDICT_EXISTS);
      assert_int_equal(judge(states[i], kinds[j], TRUE), VERDICT_EXISTS);
    }
}

static void
a_second_primary_key_exists_already_and_no_other_bad_table_does(void **state)
{
  (void)state;
  assert_int_equal(judge("42P16", "CONSTRAINT", FALSE), VERDICT_EXISTS);
  assert_int_equal(judge("42P16", "CONSTRAINT", TRUE), VERDICT_EXISTS);
  static const char *const others[] = {"TABLE", "FK CONSTRAINT", "CHECK CONSTRAINT", "VIEW", "TABLE ATTACH", "INDEX",
                                       NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    assert_int_equal(judge("42P16", others[i], TRUE), VERDICT_FATAL);
}

static void
a_duplicate_key_is_a_row_an_object_or_a_contradiction(void **state)
{
  (void)state;
  assert_int_equal(judge("23505", "TABLE DATA", FALSE), VERDICT_DUPLICATE_KEY);
  assert_int_equal(judge("23505", "TABLE DATA", TRUE), VERDICT_DUPLICATE_KEY);
  assert_int_equal(judge("23505", NULL, TRUE), VERDICT_DUPLICATE_KEY);
  static const char *const catalog[] = {"TABLE", "TYPE", "SCHEMA", "EXTENSION", "FUNCTION", "BLOB"};
  for (gsize i = 0; i < G_N_ELEMENTS(catalog); i++)
    assert_int_equal(judge("23505", catalog[i], TRUE), VERDICT_EXISTS);
  static const char *const over_rows[] = {"INDEX", "CONSTRAINT", "MATERIALIZED VIEW DATA"};
  for (gsize i = 0; i < G_N_ELEMENTS(over_rows); i++) {
    assert_int_equal(judge("23505", over_rows[i], FALSE), VERDICT_FATAL);
    assert_int_equal(judge("23505", over_rows[i], TRUE), VERDICT_FATAL);
  }
}

static void
a_missing_role_is_told_by_the_function_that_missed_it(void **state)
{
  (void)state;
  static const char *const functions[] = {"get_role_oid", "get_rolespec_tuple"};
  for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_QUERY, "42704", functions[i], "ACL", FALSE), VERDICT_ROLE_MISSING);
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_QUERY, "42704", functions[i], "TABLE", TRUE), VERDICT_ROLE_MISSING);
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_QUERY, "42P01", functions[i], "ACL", FALSE), VERDICT_FATAL);
  }
  assert_int_equal(judge_from(CCH_ERROR_DATABASE_QUERY, "42704", "typenameType", "TABLE", TRUE), VERDICT_FATAL);
  assert_int_equal(judge_from(CCH_ERROR_DATABASE_QUERY, "42704", "get_role_oid_or_public", "ACL", TRUE), VERDICT_FATAL);
  assert_int_equal(judge_from(CCH_ERROR_DATABASE_QUERY, "42704", NULL, "ACL", TRUE), VERDICT_FATAL);
}

static void
a_missing_column_is_passed_over_only_in_merges_and_for_what_belongs_to_a_table(void **state)
{
  (void)state;
  static const char *const kinds[] = {"INDEX", "COMMENT", "FK CONSTRAINT", "DEFAULT", "CONSTRAINT", "VIEW", "TRIGGER"};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    assert_int_equal(judge("42703", kinds[i], TRUE), VERDICT_COLUMN_MISSING);
    assert_int_equal(judge("42703", kinds[i], FALSE), VERDICT_FATAL);
  }
  assert_int_equal(judge("42703", "TABLE", TRUE), VERDICT_FATAL);
  assert_int_equal(judge("42703", "TABLE DATA", TRUE), VERDICT_FATAL);
}

static void
locks_and_conflicts_are_tried_again(void **state)
{
  (void)state;
  static const char *const kinds[] = {"TABLE", "TABLE DATA", "INDEX", NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_LOCK_TIMEOUT, "55P03", "ProcessInterrupts", kinds[i], TRUE),
                     VERDICT_LOCK_WAIT);
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_CONFLICT, "40P01", "DeadLockReport", kinds[i], FALSE),
                     VERDICT_RESTART);
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_CONFLICT, "40001", "ExecUpdate", kinds[i], TRUE), VERDICT_RESTART);
  }
}

static void
what_a_role_may_not_make_is_left_out_if_nothing_needs_it(void **state)
{
  (void)state;
  static const char *const dispensable[] = {"COMMENT",       "SECURITY LABEL", "ACL",         "DEFAULT ACL",
                                            "EVENT TRIGGER", "PUBLICATION",    "SUBSCRIPTION"};
  static const char *const needed[] = {"TABLE",    "TABLE DATA", "INDEX", "CONSTRAINT", "FK CONSTRAINT",
                                       "FUNCTION", "EXTENSION",  "TYPE",  "TRIGGER",    "POLICY"};
  for (gsize i = 0; i < G_N_ELEMENTS(dispensable); i++)
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_PERMISSION, "42501", "aclcheck_error", dispensable[i], FALSE),
                     VERDICT_NOT_ALLOWED);
  for (gsize i = 0; i < G_N_ELEMENTS(needed); i++)
    assert_int_equal(judge_from(CCH_ERROR_DATABASE_PERMISSION, "42501", "aclcheck_error", needed[i], FALSE),
                     VERDICT_FATAL);
  /* A privilege that is not known; a publication that was left out. */
  assert_int_equal(judge("42601", "ACL", FALSE), VERDICT_NOT_ALLOWED);
  assert_int_equal(judge("42601", "COMMENT", FALSE), VERDICT_FATAL);
  assert_int_equal(judge("42704", "PUBLICATION TABLE", FALSE), VERDICT_NOT_ALLOWED);
}

static void
whatever_else_happens_is_fatal(void **state)
{
  (void)state;
  static const struct {
    ErrorCode code;
    const char *sqlstate;
  } cases[] = {
      {CCH_ERROR_DATABASE_UNAVAILABLE, "57P01"},
      {CCH_ERROR_DATABASE_UNAVAILABLE, "08006"},
      {CCH_ERROR_DATABASE_PERMISSION, "42501"},
      {CCH_ERROR_DATABASE_OUT_OF_MEMORY, "53200"},
      {CCH_ERROR_DATABASE_DISK_FULL, "53100"},
      {CCH_ERROR_DATABASE_QUERY, "23503"},
      {CCH_ERROR_DATABASE_QUERY, "42601"},
      {CCH_ERROR_DATABASE_QUERY, "42P01"},
      {CCH_ERROR_DATABASE_QUERY, "25P02"},
      {CCH_ERROR_DATABASE_QUERY, "XX000"},
      {CCH_ERROR_DATABASE_QUERY, "22P02"},
      {CCH_ERROR_DATABASE_QUERY, NULL},
      {CCH_ERROR_CANCELLED, NULL},
      {CCH_ERROR_ARCHIVE_CORRUPT, NULL},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    assert_int_equal(judge_from(cases[i].code, cases[i].sqlstate, NULL, "TABLE", TRUE), VERDICT_FATAL);
    assert_int_equal(judge_from(cases[i].code, cases[i].sqlstate, NULL, "TABLE DATA", FALSE), VERDICT_FATAL);
  }
  g_autoptr(GError) foreign = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_EXISTS, "exists");
  assert_int_equal(verdict_of(foreign, TOC_KIND_TABLE, TRUE), VERDICT_FATAL);
}

static void
an_import_goes_on_after_what_loses_nothing(void **state)
{
  (void)state;
  assert_true(verdict_is_ignorable(VERDICT_EXISTS));
  assert_true(verdict_is_ignorable(VERDICT_DUPLICATE_KEY));
  assert_true(verdict_is_ignorable(VERDICT_ROLE_MISSING));
  assert_true(verdict_is_ignorable(VERDICT_COLUMN_MISSING));
  assert_false(verdict_is_ignorable(VERDICT_FATAL));
  assert_false(verdict_is_ignorable(VERDICT_LOCK_WAIT));
  assert_false(verdict_is_ignorable(VERDICT_RESTART));
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_exists_already_is_told_by_its_sqlstate),
      cmocka_unit_test(a_second_primary_key_exists_already_and_no_other_bad_table_does),
      cmocka_unit_test(a_duplicate_key_is_a_row_an_object_or_a_contradiction),
      cmocka_unit_test(a_missing_role_is_told_by_the_function_that_missed_it),
      cmocka_unit_test(a_missing_column_is_passed_over_only_in_merges_and_for_what_belongs_to_a_table),
      cmocka_unit_test(locks_and_conflicts_are_tried_again),
      cmocka_unit_test(what_a_role_may_not_make_is_left_out_if_nothing_needs_it),
      cmocka_unit_test(whatever_else_happens_is_fatal),
      cmocka_unit_test(an_import_goes_on_after_what_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
