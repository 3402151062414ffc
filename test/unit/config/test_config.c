#include "base/error.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* Loads from "program" and the given arguments, which are copied: loading overwrites secrets. The remaining
 * arguments are returned, joined by spaces. */
static Config *
load(const char *const *arguments, char **ret_left, GError **error)
{
  g_autoptr(GPtrArray) argv = g_ptr_array_new();
  g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
  g_ptr_array_add(argv, g_strdup("program"));
  for (; *arguments != NULL; arguments++)
    g_ptr_array_add(argv, g_strdup(*arguments));
  for (guint i = 0; i < argv->len; i++)
    g_ptr_array_add(owned, argv->pdata[i]);
  g_ptr_array_add(argv, NULL);
  int argc = (int)argv->len - 1;
  char **vector = (char **)argv->pdata;
  Config *config = config_load(&argc, &vector, error);
  if (config != NULL)
    assert_int_equal(g_strv_length(vector), argc);
  if (ret_left != NULL)
    *ret_left = g_strjoinv(" ", vector);
  return config;
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_ARGUMENTS   ((const char *const[]){NULL})

static Config *
load_good(const char *const *arguments)
{
  g_autoptr(GError) error = NULL;
  Config *config = load(arguments, NULL, &error);
  if (config == NULL)
    fail_msg("%s", error->message);
  return config;
}

static void
assert_refused(const char *const *arguments, const char *message)
{
  g_autoptr(GError) error = NULL;
  assert_null(load(arguments, NULL, &error));
  assert_int_equal(error_code(error), CCH_ERROR_CONFIG);
  assert_string_equal(error->message, message);
}

static int
forget_environment(void **state)
{
  (void)state;
#define OPTION(field, environment, flag, type, fallback, minimum, maximum, unit, zh, en)                               \
  g_unsetenv(environment);                                                                                             \
  g_unsetenv("CCH_DATA_" environment);
#include "config/options.def"
#undef OPTION
  return 0;
}

static void
defaults_are_those_of_the_table(void **state)
{
  (void)state;
  g_autoptr(Config) config = load_good(NO_ARGUMENTS);
  assert_null(config->dsn);
  assert_string_equal(config->listen_address, "127.0.0.1");
  assert_int_equal(config->listen_port, 23100);
  assert_int_equal(config->max_upload_bytes, 524288000);
  assert_true(config->auto_migrate);
  assert_false(config->trust_proxy);
}

static void
a_flag_beats_the_environment(void **state)
{
  (void)state;
  g_setenv("LISTEN_PORT", "1", TRUE);
  g_setenv("AUTO_MIGRATE", "FALSE", TRUE);
  g_autoptr(Config) from_environment = load_good(NO_ARGUMENTS);
  assert_int_equal(from_environment->listen_port, 1);
  assert_false(from_environment->auto_migrate);
  g_autoptr(Config) from_flags = load_good(ARGUMENTS("--listen-port", "2", "--auto-migrate"));
  assert_int_equal(from_flags->listen_port, 2);
  assert_true(from_flags->auto_migrate);
}

static void
a_variable_has_a_prefix_unless_it_is_shared_with_the_hub(void **state)
{
  (void)state;
  g_setenv("CCH_DATA_LISTEN_PORT", "1", TRUE);
  g_setenv("LISTEN_PORT", "2", TRUE);
  g_setenv("TEMP_DIR", "/old", TRUE);
  g_setenv("SESSION_TTL", "300", TRUE);
  g_setenv("LOG_LEVEL", "trace", TRUE);
  g_setenv("DSN", "postgresql://a", TRUE);
  g_autoptr(Config) config = load_good(NO_ARGUMENTS);
  assert_int_equal(config->listen_port, 1);
  assert_string_equal(config->temp_dir, "/old");
  assert_int_equal(config->session_ttl_s, 604800);
  assert_string_equal(config->log_level, "info");
  assert_string_equal(config->dsn, "postgresql://a");
  assert_string_equal(config->old_names, "TEMP_DIR");
}

static void
an_empty_value_is_unset(void **state)
{
  (void)state;
  g_setenv("LISTEN_PORT", "", TRUE);
  g_setenv("REDIS_URL", "redis://a", TRUE);
  g_autoptr(Config) config = load_good(ARGUMENTS("--redis-url="));
  assert_int_equal(config->listen_port, 23100);
  assert_null(config->redis_url);
}

static void
every_form_of_a_boolean_is_understood(void **state)
{
  (void)state;
  g_autoptr(Config) negated = load_good(ARGUMENTS("--no-auto-migrate", "--trust-proxy"));
  assert_false(negated->auto_migrate);
  assert_true(negated->trust_proxy);
  g_autoptr(Config) assigned = load_good(ARGUMENTS("--auto-migrate=off", "--trust-proxy=1"));
  assert_false(assigned->auto_migrate);
  assert_true(assigned->trust_proxy);
}

static void
arguments_of_others_are_kept_in_order(void **state)
{
  (void)state;
  g_autofree char *left = NULL;
  g_autoptr(Config) config = load(
      ARGUMENTS("import", "--listen-port=7", "--merge", "-v", "--data-dir", "/d", "a.dump", "--", "--listen-port=8"),
      &left, NULL);
  assert_non_null(config);
  assert_string_equal(left, "program import --merge -v a.dump -- --listen-port=8");
  assert_int_equal(config->listen_port, 7);
  assert_string_equal(config->data_dir, "/d");
}

static void
a_wrong_number_names_option_range_and_unit(void **state)
{
  (void)state;
  assert_refused(ARGUMENTS("--lock-wait=0"), "--lock-wait: \"0\" is not a whole number of seconds from 1 to 86400");
  assert_refused(ARGUMENTS("--listen-port", "65536"), "--listen-port: \"65536\" is not a whole number from 0 to 65535");
  assert_refused(ARGUMENTS("--listen-port=-1"), "--listen-port: \"-1\" is not a whole number from 0 to 65535");
  g_setenv("LISTEN_PORT", "80 ", TRUE);
  assert_refused(NO_ARGUMENTS, "LISTEN_PORT: \"80 \" is not a whole number from 0 to 65535");
}

static void
other_wrong_values_name_their_option(void **state)
{
  (void)state;
  assert_refused(ARGUMENTS("--auto-migrate=maybe"), "--auto-migrate: \"maybe\" is neither true nor false");
  assert_refused(ARGUMENTS("--log-level=loud"),
                 "CCH_DATA_LOG_LEVEL: \"loud\" is not one of error, warning, info and debug");
  assert_refused(ARGUMENTS("--dsn"), "--dsn: needs a value");
  assert_refused(ARGUMENTS("--dsn", "--json"), "--dsn: needs a value");
}

static void
a_string_is_bounded_and_a_secret_is_not_shown(void **state)
{
  (void)state;
  g_autofree char *secret = g_strnfill(513, 's');
  assert_refused(ARGUMENTS("--admin-token", secret), "--admin-token: its length must be 0 to 512 bytes, not 513");
}

static void
secrets_leave_the_environment_and_the_arguments(void **state)
{
  (void)state;
  g_setenv("DSN", "postgresql://a:secret@b/c", TRUE);
  char program[] = "program", flag[] = "--admin-token=hidden";
  char *vector[] = {program, flag, NULL}, **argv = vector;
  int argc = 2;
  g_autoptr(Config) config = config_load(&argc, &argv, NULL);
  assert_non_null(config);
  assert_string_equal(config->dsn, "postgresql://a:secret@b/c");
  assert_string_equal(config->admin_token, "hidden");
  assert_null(g_getenv("DSN"));
  assert_string_equal(flag, "--admin-token=xxxxxx");
}

static void
the_data_directory_is_absolute(void **state)
{
  (void)state;
  g_autoptr(Config) config = load_good(ARGUMENTS("--data-dir", "some/../data"));
  g_autofree char *here = g_get_current_dir();
  g_autofree char *expected = g_build_filename(here, "data", NULL);
  assert_string_equal(config->data_dir, expected);
  g_autoptr(Config) by_default = load_good(NO_ARGUMENTS);
  assert_true(g_str_has_suffix(by_default->data_dir, "/cch-data"));
}

static void
help_names_every_option_in_both_languages(void **state)
{
  (void)state;
  g_autofree char *zh_help = config_help(LANGUAGE_ZH_CN);
  g_autofree char *en_help = config_help(LANGUAGE_EN);
#define OPTION(field, environment, flag, type, fallback, minimum, maximum, unit, zh, en)                               \
  assert_non_null(strstr(zh_help, environment));                                                                       \
  assert_non_null(strstr(zh_help, zh));                                                                                \
  assert_non_null(strstr(en_help, flag));                                                                              \
  assert_non_null(strstr(en_help, en));
#include "config/options.def"
#undef OPTION
}

static void
the_reference_page_is_that_of_the_table(void **state)
{
  (void)state;
  g_autofree char *committed = NULL;
  assert_true(g_file_get_contents(SOURCE_ROOT "/docs/configuration.md", &committed, NULL, NULL));
  g_autofree char *page = config_markdown();
  if (strcmp(committed, page) != 0)
    fail_msg("docs/configuration.md is not what options.def says: run ninja -C build docs");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(defaults_are_those_of_the_table, forget_environment),
      cmocka_unit_test_setup(a_flag_beats_the_environment, forget_environment),
      cmocka_unit_test_setup(a_variable_has_a_prefix_unless_it_is_shared_with_the_hub, forget_environment),
      cmocka_unit_test_setup(an_empty_value_is_unset, forget_environment),
      cmocka_unit_test_setup(every_form_of_a_boolean_is_understood, forget_environment),
      cmocka_unit_test_setup(arguments_of_others_are_kept_in_order, forget_environment),
      cmocka_unit_test_setup(a_wrong_number_names_option_range_and_unit, forget_environment),
      cmocka_unit_test_setup(other_wrong_values_name_their_option, forget_environment),
      cmocka_unit_test_setup(a_string_is_bounded_and_a_secret_is_not_shown, forget_environment),
      cmocka_unit_test_setup(secrets_leave_the_environment_and_the_arguments, forget_environment),
      cmocka_unit_test_setup(the_data_directory_is_absolute, forget_environment),
      cmocka_unit_test_setup(help_names_every_option_in_both_languages, forget_environment),
      cmocka_unit_test(the_reference_page_is_that_of_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
