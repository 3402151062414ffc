#include "archive/toc/toc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const descs[] = {
#define TOC_KIND(name, desc, flags) desc,
#include "archive/toc/kinds.def"
#undef TOC_KIND
};

static void
kinds_are_in_the_order_of_their_bytes_and_none_is_there_twice(void **state)
{
  (void)state;
  for (gsize i = 1; i < G_N_ELEMENTS(descs); i++)
    assert_true(strcmp(descs[i - 1], descs[i]) < 0);
}

static void
every_kind_is_found_by_its_desc(void **state)
{
  (void)state;
  for (gsize i = 0; i < G_N_ELEMENTS(descs); i++) {
    TocEntry entry = {.desc = (char *)descs[i]};
    TocKind kind = toc_kind_of(descs[i]);
    assert_int_equal(kind, TOC_KIND_OTHER + 1 + i);
    assert_int_equal(toc_entry_kind(&entry), kind);
    assert_true(toc_entry_is(&entry, kind));
    assert_false(toc_entry_is(&entry, kind == TOC_KIND_TABLE ? TOC_KIND_TABLE_DATA : TOC_KIND_TABLE));
  }
}

static void
other_descs_are_of_no_kind_and_have_no_flags(void **state)
{
  (void)state;
  static const char *const others[] = {"", "A", "TABLE ", "TABL", "table", "TABLE DATA X", "ZZZ", "PUBLICATION TABL"};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
    TocEntry entry = {.desc = (char *)others[i]};
    assert_int_equal(toc_kind_of(others[i]), TOC_KIND_OTHER);
    assert_false(toc_entry_has(&entry, ~0U));
  }
  assert_int_equal(toc_kind_of(NULL), TOC_KIND_NONE);
  assert_int_equal(toc_entry_kind(NULL), TOC_KIND_NONE);
}

/* The kinds with each flag, according to pg_dump's sources and PostgreSQL's rules. */
static const struct {
  TocKindFlags flag;
  const char *descs[24];
} groups[] = {
    {TOC_SESSION, {"ENCODING", "SEARCHPATH", "STDSTRINGS"}},
    {TOC_ACCESS, {"ACL", "ACL LANGUAGE", "DEFAULT ACL"}},
    {TOC_LARGE_OBJECTS, {"BLOB", "BLOB METADATA"}},
    {TOC_RELATION, {"FOREIGN TABLE", "INDEX", "MATERIALIZED VIEW", "TABLE", "TABLE DATA", "VIEW"}},
    {TOC_TAGGED_BY_TABLE, {"CHECK CONSTRAINT", "CONSTRAINT", "DEFAULT", "FK CONSTRAINT", "POLICY", "RULE", "TRIGGER"}},
    {TOC_FOLLOWS, {"ACL", "COMMENT", "SECURITY LABEL", "SEQUENCE OWNED BY", "SEQUENCE SET"}},
    {TOC_PART,
     {"INDEX", "INDEX ATTACH", "ROW SECURITY", "SEQUENCE", "STATISTICS", "STATISTICS DATA", "TABLE ATTACH",
      "TABLE DATA"}},
    {TOC_ATTRIBUTE,
     {"ACL", "COMMENT", "DEFAULT", "ROW SECURITY", "SECURITY LABEL", "SEQUENCE OWNED BY", "STATISTICS DATA"}},
    {TOC_DROPPED_FIRST, {"CAST", "EVENT TRIGGER", "PUBLICATION", "SUBSCRIPTION", "TRANSFORM"}},
    {TOC_DROPPED_LAST,
     {"ACCESS METHOD", "EXTENSION", "FOREIGN DATA WRAPPER", "PROCEDURAL LANGUAGE", "SERVER", "USER MAPPING"}},
    {TOC_OWNER_BY_NAME,
     {"COLLATION", "CONVERSION", "DOMAIN", "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "FOREIGN TABLE",
      "MATERIALIZED VIEW", "PROCEDURAL LANGUAGE", "PUBLICATION", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS",
      "SUBSCRIPTION", "TABLE", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TYPE", "VIEW"}},
    {TOC_OWNER_AS_TABLE, {"MATERIALIZED VIEW", "SEQUENCE", "VIEW"}},
    {TOC_OWNER_BY_DROP, {"AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE"}},
    {TOC_OVER_ROWS, {"CONSTRAINT", "INDEX", "MATERIALIZED VIEW DATA"}},
    {TOC_DISPENSABLE,
     {"ACL", "ACL LANGUAGE", "COMMENT", "DEFAULT ACL", "EVENT TRIGGER", "PUBLICATION", "PUBLICATION TABLE",
      "PUBLICATION TABLES IN SCHEMA", "SECURITY LABEL", "SUBSCRIPTION"}},
};

static void
each_flag_stands_for_its_kinds_and_no_other(void **state)
{
  (void)state;
  for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
    for (gsize j = 0; j < G_N_ELEMENTS(descs); j++) {
      TocEntry entry = {.desc = (char *)descs[j]};
      gboolean is_in_group = g_strv_contains(groups[i].descs, descs[j]);
      assert_int_equal(toc_entry_has(&entry, groups[i].flag), is_in_group);
    }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds_are_in_the_order_of_their_bytes_and_none_is_there_twice),
      cmocka_unit_test(every_kind_is_found_by_its_desc),
      cmocka_unit_test(other_descs_are_of_no_kind_and_have_no_flags),
      cmocka_unit_test(each_flag_stands_for_its_kinds_and_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
