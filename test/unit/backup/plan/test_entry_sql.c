#include "backup/plan/entry_sql.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* Literals for non-const fields, to which nothing here writes. */
#define TEXT(literal) ((char *)(literal))

/* Asserts that a NULL-terminated vector holds exactly the strings that follow. */
static void
assert_strings(char **found, ...)
{
  va_list args;
  va_start(args, found);
  char **at = found;
  for (const char *expected; (expected = va_arg(args, const char *)) != NULL; at++) {
    assert_non_null(*at);
    assert_string_equal(*at, expected);
  }
  va_end(args);
  assert_null(*at);
}

/* ---- Columns ---- */

static char **
columns_of(const char *copy_stmt)
{
  TocEntry entry = {
      .desc = TEXT("TABLE DATA"), .namespace_name = TEXT("public"), .tag = TEXT("users"), .copy_stmt = TEXT(copy_stmt)};
  g_autoptr(GError) error = NULL;
  char **columns = NULL;
  if (!entry_copy_columns(&entry, &columns, &error))
    fail_msg("%s: %s", copy_stmt, error->message);
  return columns;
}

static void
columns_are_unquoted(void **state)
{
  (void)state;
  g_auto(GStrv) plain = columns_of("COPY public.users (id, name, created_at) FROM stdin;\n");
  assert_strings(plain, "id", "name", "created_at", NULL);
  g_auto(GStrv) quoted =
      columns_of("COPY public.users (\"Name\", \"with space\", \"a,b\", \"(\", \")\") FROM stdin;\n");
  assert_strings(quoted, "Name", "with space", "a,b", "(", ")", NULL);
  g_auto(GStrv) doubled = columns_of("COPY public.users (\"say \"\"hi\"\"\", \"\"\"\", \"it's\") FROM stdin;\n");
  assert_strings(doubled, "say \"hi\"", "\"", "it's", NULL);
  g_auto(GStrv) keywords = columns_of("COPY public.users (\"user\", \"order\", \"FROM stdin;\") FROM stdin;\n");
  assert_strings(keywords, "user", "order", "FROM stdin;", NULL);
  g_auto(GStrv) foreign = columns_of("COPY public.users (\"名称\", größe, \"é\") FROM stdin;\n");
  assert_strings(foreign, "名称", "größe", "é", NULL);
}

static void
the_tables_own_name_may_need_quotes(void **state)
{
  (void)state;
  g_auto(GStrv) odd = columns_of("COPY \"Odd \"\"schema\"\"\".\"from (x) stdin\" (id) FROM stdin;\n");
  assert_strings(odd, "id", NULL);
  g_auto(GStrv) bare = columns_of("COPY users (id) FROM stdin;\n");
  assert_strings(bare, "id", NULL);
}

static void
a_table_may_have_no_columns(void **state)
{
  (void)state;
  g_auto(GStrv) none = columns_of("COPY public.nothing  FROM stdin;\n");
  assert_strings(none, NULL);
}

static void
what_is_not_a_copy_statement_is_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {
      NULL, /* --inserts */
      "",
      "INSERT INTO public.users VALUES (1);",
      "COPY ",
      "COPY public.",
      "COPY public.users",
      "COPY public.users (",
      "COPY public.users ()",
      "COPY public.users () FROM stdin;\n",
      "COPY public.users (id FROM stdin;\n",
      "COPY public.users (id,) FROM stdin;\n",
      "COPY public.users (id name) FROM stdin;\n",
      "COPY public.users (\"id) FROM stdin;\n",
      "COPY \"public.users (id) FROM stdin;\n",
      "COPY public.users (id) FROM '/etc/passwd';\n",
      "COPY public.users (id) TO stdout;\n",
      "COPY public.users (id); DROP TABLE x; FROM stdin;\n",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    TocEntry entry = {
        .desc = TEXT("TABLE DATA"), .namespace_name = TEXT("public"), .tag = TEXT("users"), .copy_stmt = TEXT(bad[i])};
    g_autoptr(GError) error = NULL;
    char **columns = NULL;
    assert_false(entry_copy_columns(&entry, &columns, &error));
    assert_null(columns);
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_UNSUPPORTED);
    assert_non_null(g_strstr_len(error->message, -1, "public.users"));
  }
}

/* ---- DROP and OWNER ---- */

static void
drops_become_conditional(void **state)
{
  (void)state;
  static const struct {
    const char *desc, *drop_stmt, *expected;
  } cases[] = {
      {"SCHEMA", "DROP SCHEMA drizzle;\n", "DROP SCHEMA IF EXISTS drizzle;\n"},
      {"EXTENSION", "DROP EXTENSION \"uuid-ossp\";\n", "DROP EXTENSION IF EXISTS \"uuid-ossp\";\n"},
      {"EVENT TRIGGER", "DROP EVENT TRIGGER watch;\n", "DROP EVENT TRIGGER IF EXISTS watch;\n"},
      {"PUBLICATION", "DROP PUBLICATION all_tables;\n", "DROP PUBLICATION IF EXISTS all_tables;\n"},
      {"BLOB", "SELECT pg_catalog.lo_unlink('16400');\n", NULL},
      {"DEFAULT", "ALTER TABLE public.users ALTER COLUMN id DROP DEFAULT;\n", NULL},
      {"ACL", "", NULL},
      {"COMMENT", NULL, NULL},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    TocEntry entry = {.desc = TEXT(cases[i].desc), .tag = TEXT("tag"), .drop_stmt = TEXT(cases[i].drop_stmt)};
    g_autofree char *drop = entry_drop_if_exists(&entry);
    if (cases[i].expected == NULL)
      assert_null(drop);
    else
      assert_string_equal(drop, cases[i].expected);
  }
}

static void
each_kind_of_object_gets_its_owner_in_its_own_way(void **state)
{
  (void)state;
  static const struct {
    const char *desc, *namespace_name, *tag, *drop_stmt, *expected;
  } cases[] = {
      {"TABLE", "public", "users", NULL, "ALTER TABLE \"public\".\"users\" OWNER TO \"app\""},
      {"TABLE", "Odd", "a\"b", NULL, "ALTER TABLE \"Odd\".\"a\"\"b\" OWNER TO \"app\""},
      {"VIEW", "public", "v", NULL, "ALTER TABLE \"public\".\"v\" OWNER TO \"app\""},
      {"SEQUENCE", "public", "s", NULL, "ALTER TABLE \"public\".\"s\" OWNER TO \"app\""},
      {"MATERIALIZED VIEW", "public", "m", NULL, "ALTER TABLE \"public\".\"m\" OWNER TO \"app\""},
      {"FOREIGN TABLE", "public", "f", NULL, "ALTER FOREIGN TABLE \"public\".\"f\" OWNER TO \"app\""},
      {"TYPE", "public", "mood", NULL, "ALTER TYPE \"public\".\"mood\" OWNER TO \"app\""},
      {"DOMAIN", "public", "d", NULL, "ALTER DOMAIN \"public\".\"d\" OWNER TO \"app\""},
      {"TEXT SEARCH CONFIGURATION", "public", "t", NULL,
       "ALTER TEXT SEARCH CONFIGURATION \"public\".\"t\" OWNER TO \"app\""},
      {"SCHEMA", "", "drizzle", NULL, "ALTER SCHEMA \"drizzle\" OWNER TO \"app\""},
      {"SERVER", NULL, "far", NULL, "ALTER SERVER \"far\" OWNER TO \"app\""},
      {"PUBLICATION", NULL, "p", NULL, "ALTER PUBLICATION \"p\" OWNER TO \"app\""},
      {"BLOB", "", "16400", "SELECT pg_catalog.lo_unlink('16400');\n", "ALTER LARGE OBJECT 16400 OWNER TO \"app\""},
      {"FUNCTION", "public", "f(integer, text)", "DROP FUNCTION public.f(integer, text);\n",
       "ALTER FUNCTION public.f(integer, text) OWNER TO \"app\""},
      {"AGGREGATE", "public", "sum2(integer)", "DROP AGGREGATE public.sum2(integer);\n",
       "ALTER AGGREGATE public.sum2(integer) OWNER TO \"app\""},
      {"OPERATOR CLASS", "public", "oc", "DROP OPERATOR CLASS public.oc USING btree;\n",
       "ALTER OPERATOR CLASS public.oc USING btree OWNER TO \"app\""},
      {"FUNCTION", "public", "f()", NULL, NULL},
      {"INDEX", "public", "i", "DROP INDEX public.i;\n", NULL},
      {"CONSTRAINT", "public", "users users_pkey", "ALTER TABLE …", NULL},
      {"TRIGGER", "public", "users t", "DROP TRIGGER t ON public.users;\n", NULL},
      {"EXTENSION", "", "citext", "DROP EXTENSION citext;\n", NULL},
      {"TABLE DATA", "public", "users", NULL, NULL},
      {"TABLE", "public", NULL, NULL, NULL},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    TocEntry entry = {.desc = TEXT(cases[i].desc),
                      .namespace_name = TEXT(cases[i].namespace_name),
                      .tag = TEXT(cases[i].tag),
                      .drop_stmt = TEXT(cases[i].drop_stmt),
                      .owner = TEXT("app")};
    g_autofree char *statement = entry_owner_statement(&entry);
    if (cases[i].expected == NULL)
      assert_null(statement);
    else
      assert_string_equal(statement, cases[i].expected);
  }
}

static void
an_owner_is_quoted_and_may_be_absent(void **state)
{
  (void)state;
  TocEntry entry = {.desc = TEXT("TABLE"),
                    .namespace_name = TEXT("public"),
                    .tag = TEXT("t"),
                    .owner = TEXT("x\"; DROP TABLE t; --")};
  g_autofree char *hostile = entry_owner_statement(&entry);
  assert_string_equal(hostile, "ALTER TABLE \"public\".\"t\" OWNER TO \"x\"\"; DROP TABLE t; --\"");
  entry.owner = TEXT("");
  assert_null(entry_owner_statement(&entry));
  entry.owner = NULL;
  assert_null(entry_owner_statement(&entry));
}

/* ---- Statements ---- */

static void
statements_end_at_top_level_semicolons(void **state)
{
  (void)state;
  g_auto(GStrv) grants = entry_split_statements("REVOKE ALL ON TABLE public.t FROM app;\n"
                                                "GRANT SELECT ON TABLE public.t TO app;\n");
  assert_strings(grants, "REVOKE ALL ON TABLE public.t FROM app", "GRANT SELECT ON TABLE public.t TO app", NULL);
  g_auto(GStrv) last = entry_split_statements("SELECT 1; SELECT 2");
  assert_strings(last, "SELECT 1", "SELECT 2", NULL);
  g_auto(GStrv) empty = entry_split_statements(" ;; \n ; ");
  assert_strings(empty, NULL);
  g_auto(GStrv) nothing = entry_split_statements("");
  assert_strings(nothing, NULL);
}

static void
privileges_are_split_one_by_one(void **state)
{
  (void)state;
  g_auto(GStrv) grant = entry_split_privileges(
      "GRANT SELECT,INSERT(a, \"b,c\"),MAINTAIN ON TABLE public.\"GRANT\" TO x WITH GRANT OPTION");
  assert_strings(grant, "GRANT SELECT ON TABLE public.\"GRANT\" TO x WITH GRANT OPTION",
                 "GRANT INSERT(a, \"b,c\") ON TABLE public.\"GRANT\" TO x WITH GRANT OPTION",
                 "GRANT MAINTAIN ON TABLE public.\"GRANT\" TO x WITH GRANT OPTION", NULL);
  g_auto(GStrv) revoke = entry_split_privileges("REVOKE GRANT OPTION FOR SELECT,MAINTAIN ON TABLE t FROM x");
  assert_strings(revoke, "REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM x",
                 "REVOKE GRANT OPTION FOR MAINTAIN ON TABLE t FROM x", NULL);
  g_auto(GStrv) defaults = entry_split_privileges(
      "ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" IN SCHEMA s GRANT SELECT,MAINTAIN ON TABLES TO x");
  assert_strings(defaults, "ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" IN SCHEMA s GRANT SELECT ON TABLES TO x",
                 "ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" IN SCHEMA s GRANT MAINTAIN ON TABLES TO x", NULL);
  g_auto(GStrv) other = entry_split_privileges("COMMENT ON TABLE t IS 'GRANT a,b ON c'");
  assert_strings(other, NULL);
}

static void
quotes_hide_semicolons(void **state)
{
  (void)state;
  g_auto(GStrv) literal = entry_split_statements("SELECT 'a;b''c;d'; SELECT 2;");
  assert_strings(literal, "SELECT 'a;b''c;d'", "SELECT 2", NULL);
  g_auto(GStrv) identifier = entry_split_statements("GRANT SELECT ON \"a;\"\"b;\" TO \"c;d\"; SELECT 2;");
  assert_strings(identifier, "GRANT SELECT ON \"a;\"\"b;\" TO \"c;d\"", "SELECT 2", NULL);
  g_auto(GStrv) escapes = entry_split_statements("SELECT E'it\\'s; ''x'; SELECT e'\\\\'; SELECT 3;");
  assert_strings(escapes, "SELECT E'it\\'s; ''x'", "SELECT e'\\\\'", "SELECT 3", NULL);
  g_auto(GStrv) backslash = entry_split_statements("SELECT '\\'; SELECT 2;");
  assert_strings(backslash, "SELECT '\\'", "SELECT 2", NULL);
  g_auto(GStrv) start = entry_split_statements("'a;b'; 'c'");
  assert_strings(start, "'a;b'", "'c'", NULL);
}

static void
only_a_lone_e_before_a_quote_means_escapes(void **state)
{
  (void)state;
  g_auto(GStrv) date = entry_split_statements("SELECT date'\\'; SELECT 2;");
  assert_strings(date, "SELECT date'\\'", "SELECT 2", NULL);
}

static void
dollar_quotes_hide_semicolons(void **state)
{
  (void)state;
  g_auto(GStrv) plain = entry_split_statements("DO $$ BEGIN a; b; END $$; SELECT 2;");
  assert_strings(plain, "DO $$ BEGIN a; b; END $$", "SELECT 2", NULL);
  g_auto(GStrv) tagged = entry_split_statements("DO $_x1$ a; $$ ; $x1$ ' ; $_x1$; SELECT 2;");
  assert_strings(tagged, "DO $_x1$ a; $$ ; $x1$ ' ; $_x1$", "SELECT 2", NULL);
  g_auto(GStrv) parameters = entry_split_statements("SELECT $1; SELECT $2$3; SELECT 4;");
  assert_strings(parameters, "SELECT $1", "SELECT $2$3", "SELECT 4", NULL);
  g_auto(GStrv) names = entry_split_statements("GRANT SELECT ON a$b$ TO x; GRANT SELECT ON a$b$ TO y;");
  assert_strings(names, "GRANT SELECT ON a$b$ TO x", "GRANT SELECT ON a$b$ TO y", NULL);
}

static void
comments_hide_semicolons_and_quotes(void **state)
{
  (void)state;
  g_auto(GStrv) line = entry_split_statements("SELECT 1 -- it's; here\n; SELECT 2;");
  assert_strings(line, "SELECT 1 -- it's; here", "SELECT 2", NULL);
  g_auto(GStrv) block = entry_split_statements("SELECT /* it's; /* nested; */ still; */ 1; SELECT 2;");
  assert_strings(block, "SELECT /* it's; /* nested; */ still; */ 1", "SELECT 2", NULL);
}

static void
what_is_never_closed_is_one_statement(void **state)
{
  (void)state;
  static const char *const open[] = {"SELECT 'a; b",   "SELECT \"a; b", "SELECT $x$ a; $y$ b",
                                     "SELECT /* a; b", "-- a; b",       "SELECT E'a; \\",
                                     "SELECT $"};
  for (gsize i = 0; i < G_N_ELEMENTS(open); i++) {
    g_auto(GStrv) statements = entry_split_statements(open[i]);
    assert_strings(statements, open[i], NULL);
  }
}

/* ---- Sequences ---- */

static gboolean
read_sequence(const char *defn, EntrySequenceSet *ret_set, GError **error)
{
  TocEntry entry = {.desc = TEXT("SEQUENCE SET"), .tag = TEXT("users_id_seq"), .defn = TEXT(defn)};
  return entry_sequence_set(&entry, ret_set, error);
}

static void
a_sequences_value_is_read(void **state)
{
  (void)state;
  static const struct {
    const char *defn, *sequence;
    gint64 value;
    gboolean is_called;
  } cases[] = {
      {"SELECT pg_catalog.setval('public.users_id_seq', 10, true);\n", "public.users_id_seq", 10, TRUE},
      {"SELECT pg_catalog.setval('public.users_id_seq', 1, false);\n", "public.users_id_seq", 1, FALSE},
      {"SELECT pg_catalog.setval('public.s', 9223372036854775807, true);", "public.s", G_MAXINT64, TRUE},
      {"SELECT pg_catalog.setval('public.s', -9223372036854775808, true);", "public.s", G_MININT64, TRUE},
      {"SELECT pg_catalog.setval('public.\"Users_id_seq\"', 7, true);", "public.\"Users_id_seq\"", 7, TRUE},
      {"SELECT pg_catalog.setval('public.\"it''s\"', 7, true);", "public.\"it's\"", 7, TRUE},
      {"SELECT pg_catalog.setval(E'public.\"back\\\\slash\"', 7, true);", "public.\"back\\slash\"", 7, TRUE},
      {"SELECT pg_catalog.setval('public.\"序列\"', 7, true);", "public.\"序列\"", 7, TRUE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(EntrySequenceSet) set = {0};
    g_autoptr(GError) error = NULL;
    if (!read_sequence(cases[i].defn, &set, &error))
      fail_msg("%s: %s", cases[i].defn, error->message);
    assert_string_equal(set.sequence, cases[i].sequence);
    assert_true(set.value == cases[i].value);
    assert_int_equal(set.is_called, cases[i].is_called);
  }
}

static void
a_malformed_sequence_value_is_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {
      NULL,
      "",
      "SELECT setval('public.s', 10, true);",
      "SELECT pg_catalog.setval(",
      "SELECT pg_catalog.setval('public.s",
      "SELECT pg_catalog.setval('public.s'",
      "SELECT pg_catalog.setval('public.s', ",
      "SELECT pg_catalog.setval('public.s', , true);",
      "SELECT pg_catalog.setval('public.s', ten, true);",
      "SELECT pg_catalog.setval('public.s', 10);",
      "SELECT pg_catalog.setval('public.s', 10, maybe);",
      "SELECT pg_catalog.setval('public.s', 10.5, true);",
      "SELECT pg_catalog.setval('public.s', 9223372036854775808, true);",
      "SELECT pg_catalog.setval('public.s', -9223372036854775809, true);",
      "SELECT pg_catalog.setval('public.s', 99999999999999999999999, false);",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    EntrySequenceSet set = {0};
    g_autoptr(GError) error = NULL;
    if (read_sequence(bad[i], &set, &error))
      fail_msg("accepted: %s", bad[i]);
    assert_null(set.sequence);
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_UNSUPPORTED);
    assert_non_null(g_strstr_len(error->message, -1, "users_id_seq"));
  }
}

/* ---- Large objects ---- */

static GArray *
large_objects_of(const char *desc, const char *tag, const char *defn)
{
  TocEntry entry = {.desc = TEXT(desc), .tag = TEXT(tag), .defn = TEXT(defn)};
  g_autoptr(GError) error = NULL;
  GArray *oids = NULL;
  if (!entry_large_objects(&entry, &oids, &error))
    fail_msg("%s", error->message);
  return oids;
}

static void
large_objects_stand_in_the_tag_or_in_a_list(void **state)
{
  (void)state;
  g_autoptr(GArray) one = large_objects_of("BLOB", "16400", "SELECT pg_catalog.lo_create('16400');\n");
  assert_int_equal(one->len, 1);
  assert_int_equal(g_array_index(one, guint32, 0), 16400);
  g_autoptr(GArray) list = large_objects_of("BLOB METADATA", "16400..4294967295", "16400\n16401\n4294967295\n");
  assert_int_equal(list->len, 3);
  assert_int_equal(g_array_index(list, guint32, 1), 16401);
  assert_true(g_array_index(list, guint32, 2) == G_MAXUINT32);
  g_autoptr(GArray) none = large_objects_of("BLOB METADATA", "1..2", NULL);
  assert_int_equal(none->len, 0);
}

static void
what_is_no_oid_is_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {"0",           "-1", "4294967296", "16400x", "x", "0x10", "16400\n1; DROP TABLE t",
                                    "16400\t16401"};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    TocEntry entry = {.desc = TEXT("BLOB METADATA"), .tag = TEXT("1..2"), .defn = TEXT(bad[i])};
    g_autoptr(GError) error = NULL;
    GArray *oids = NULL;
    assert_false(entry_large_objects(&entry, &oids, &error));
    assert_null(oids);
    assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  }
}

static void
names_for_people_are_valid_text(void **state)
{
  (void)state;
  TocEntry entry = {.desc = TEXT("TABLE"), .namespace_name = TEXT("public"), .tag = TEXT("users")};
  g_autofree char *qualified = entry_display_name(&entry);
  assert_string_equal(qualified, "public.users");
  entry.namespace_name = TEXT("");
  entry.tag = TEXT("bad\xff");
  g_autofree char *repaired = entry_display_name(&entry);
  assert_string_equal(repaired, "bad\xef\xbf\xbd");
  entry.namespace_name = entry.tag = NULL;
  g_autofree char *empty = entry_display_name(&entry);
  assert_string_equal(empty, "");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_are_unquoted),
      cmocka_unit_test(the_tables_own_name_may_need_quotes),
      cmocka_unit_test(a_table_may_have_no_columns),
      cmocka_unit_test(what_is_not_a_copy_statement_is_refused),
      cmocka_unit_test(drops_become_conditional),
      cmocka_unit_test(each_kind_of_object_gets_its_owner_in_its_own_way),
      cmocka_unit_test(an_owner_is_quoted_and_may_be_absent),
      cmocka_unit_test(statements_end_at_top_level_semicolons),
      cmocka_unit_test(privileges_are_split_one_by_one),
      cmocka_unit_test(quotes_hide_semicolons),
      cmocka_unit_test(only_a_lone_e_before_a_quote_means_escapes),
      cmocka_unit_test(dollar_quotes_hide_semicolons),
      cmocka_unit_test(comments_hide_semicolons_and_quotes),
      cmocka_unit_test(what_is_never_closed_is_one_statement),
      cmocka_unit_test(a_sequences_value_is_read),
      cmocka_unit_test(a_malformed_sequence_value_is_refused),
      cmocka_unit_test(large_objects_stand_in_the_tag_or_in_a_list),
      cmocka_unit_test(what_is_no_oid_is_refused),
      cmocka_unit_test(names_for_people_are_valid_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
