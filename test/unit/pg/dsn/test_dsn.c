#include "pg/dsn/dsn.h"

#include "pg/connection/connection_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs three of the above. */
#include <cmocka.h>

#define SECRET "S3cr3t'\"\\ %41"

static char *socket_directory;

static void
assert_refused(const char *dsn, ErrorCode code, const char *sqlstate)
{
  g_autoptr(GError) error = NULL;
  assert_null(pg_connection_open(dsn, "unit", NULL, &error));
  assert_error(error, code, sqlstate);
  assert_null(strstr(error->message, "LOCATION"));
  assert_null(strstr(error->message, "S3cr3t"));
}

static void
every_form_of_connection_string_leads_to_the_server(void **state)
{
  (void)state;
  g_autoptr(PgConnection) admin = open_connection();
  exec_ok(admin, "CREATE DATABASE \"Odd/ ü'\\db\"");
  g_autofree char *host = g_uri_escape_string(socket_directory, NULL, FALSE);
  g_autofree char *service_file = g_build_filename(g_get_tmp_dir(), "cch-data-unit-service.XXXXXX", NULL);
  int fd = g_mkstemp(service_file);
  assert_true(fd >= 0);
  close(fd);
  g_autofree char *service = g_strdup_printf("[hub]\nhost=%s\nuser=postgres\ndbname=Odd/ ü'\\db\n", socket_directory);
  assert_true(g_file_set_contents(service_file, service, -1, NULL));
  g_setenv("PGSERVICEFILE", service_file, TRUE);
  char *dsns[] = {
      g_strdup_printf("host=%s user=postgres dbname='Odd/ ü\\'\\\\db'", socket_directory),
      g_strdup_printf("  host = '%s'  user=postgres dbname = 'Odd/ ü\\'\\\\db' client_encoding=LATIN1",
                      socket_directory),
      g_strdup_printf("postgresql://postgres@%s/Odd%%2F%%20%%C3%%BC%%27%%5Cdb", host),
      g_strdup_printf("postgres://postgres@%s:5432/Odd%%2F%%20%%C3%%BC%%27%%5Cdb?application_name=other", host),
      g_strdup_printf("postgresql:///Odd%%2F%%20ü'%%5Cdb?host=%s&user=postgres", socket_directory),
      g_strdup_printf("postgresql://postgres@/Odd%%2F%%20ü'%%5Cdb?host=%s", host),
      g_strdup_printf("host=/nonexistent,%s user=postgres dbname='Odd/ ü\\'\\\\db'", socket_directory),
      g_strdup("service=hub"),
      g_strdup("postgresql://?service=hub"),
  };
  for (gsize i = 0; i < G_N_ELEMENTS(dsns); i++) {
    g_autoptr(PgConnection) connection = open_dsn(dsns[i]);
    assert_value(connection, "SELECT current_database()", "Odd/ ü'\\db");
    assert_value(connection, "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()", "unit");
    assert_value(connection, "SHOW client_encoding", "UTF8");
    assert_value(connection, "SHOW search_path", "");
    g_free(dsns[i]);
  }
  g_unsetenv("PGSERVICEFILE");
  unlink(service_file);
}

static void
what_is_shown_of_a_connection_string_is_where_it_leads(void **state)
{
  (void)state;
  static const struct {
    const char *dsn, *host, *port, *user, *database;
  } cases[] = {
      {"", "localhost", "5432", "postgres", "postgres"},
      {"postgresql://", "localhost", "5432", "postgres", "postgres"},
      {"postgresql://u:S3cr3t@db.example:6543/hub?sslmode=disable", "db.example", "6543", "u", "hub"},
      {"postgresql://u%40x:S3cr3t@h/a%2Fb", "h", "5432", "u@x", "a/b"},
      {"postgresql://u@[::1]:6543/hub", "::1", "6543", "u", "hub"},
      {"postgresql://u@[fe80::1]/hub", "fe80::1", "5432", "u", "hub"},
      {"postgresql://u@a:1,b:2/hub", "a", "1", "u", "hub"},
      {"postgresql://u@%2Fvar%2Frun/hub", "/var/run", "5432", "u", "hub"},
      {"host=/var/run user=u", "/var/run", "5432", "u", "postgres"},
      {"hostaddr=::1 port=7 dbname=x", "::1", "7", "postgres", "x"},
      {"host='' port='' user='it\\'s' dbname='a b'", "localhost", "5432", "it's", "a b"},
      {"service=hub", "hub", "hub", "hub", "hub"},
      {"service=hub host=h", "h", "hub", "hub", "hub"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(DsnDisplay) display = {0};
    g_autoptr(GError) error = NULL;
    if (!dsn_parse_display(cases[i].dsn, &display, &error))
      fail_msg("%s: %s", cases[i].dsn, error->message);
    assert_string_equal(display.host, cases[i].host);
    assert_string_equal(display.port, cases[i].port);
    assert_string_equal(display.user, cases[i].user);
    assert_string_equal(display.database, cases[i].database);
  }
}

static void
a_service_of_the_environment_is_shown_too(void **state)
{
  (void)state;
  g_setenv("PGSERVICE", "hub", TRUE);
  g_auto(DsnDisplay) display = {0};
  gboolean ok = dsn_parse_display("port=7", &display, NULL);
  g_unsetenv("PGSERVICE");
  assert_true(ok);
  assert_string_equal(display.host, "hub");
  assert_string_equal(display.port, "7");
  assert_string_equal(display.database, "hub");
}

static void
the_environment_fills_what_the_connection_string_leaves_open(void **state)
{
  (void)state;
  g_setenv("PGHOST", "env-host", TRUE);
  g_setenv("PGDATABASE", "env-db", TRUE);
  g_auto(DsnDisplay) display = {0};
  gboolean ok = dsn_parse_display("dbname=own", &display, NULL);
  g_unsetenv("PGHOST");
  g_unsetenv("PGDATABASE");
  assert_true(ok);
  assert_string_equal(display.host, "env-host");
  assert_string_equal(display.database, "own");
}

static void
a_bad_connection_string_is_refused_without_showing_it(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "S3cr3t",
      "password",
      "host=h passwort=S3cr3t",
      "password='S3cr3t",
      "postgresql://u:S3cr3t@[::1/db",
      "postgresql://u:S3cr3t%zz@h/db",
      "postgresql://u:x@h/db?secret=S3cr3t",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    DsnDisplay display = {0};
    g_autoptr(GError) error = NULL;
    assert_false(dsn_parse_display(bad[i], &display, &error));
    assert_error(error, CCH_ERROR_CONFIG, "");
    assert_null(strstr(error->message, "S3cr3t"));
    assert_refused(bad[i], CCH_ERROR_CONFIG, "");
  }
}

/* Every raw character that can break an address, in every position of a password. */
static void
a_raw_password_is_never_shown_in_part(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "postgresql://u:geheim/Wort@127.0.0.1:5432/db",
      "postgresql://u:12/Wort@127.0.0.1:5432/db",
      "postgresql://u:/Wort@127.0.0.1:5432/db",
      "postgresql://u:geh@eim3Wort@127.0.0.1:5432/db",
      "postgresql://u:geh@eim:3Wort@127.0.0.1:5432/db",
      "postgresql://u:geh@eim/Wort@127.0.0.1/db",
      "postgresql://u:geh@eim,Wort@127.0.0.1/db",
      "postgresql://u:geh@eim?Wort@127.0.0.1/db",
      "postgresql://u:geh@eim?Wort=3@127.0.0.1/db",
      "postgresql://u:geh/eim?Wort=3@127.0.0.1/db",
      "postgresql://u:geh@eim#Wort@127.0.0.1/db",
      "postgresql://u:geh@[Wort@127.0.0.1/db",
      "postgresql://u:geheim%Wort@127.0.0.1/db",
      "postgresql://u:geheim%@127.0.0.1/db",
      "postgresql://u:geheim%4@127.0.0.1/db",
      "postgresql://u:geheim%00@127.0.0.1/db",
      "postgresql://127.0.0.1/db?user=u&password=geheim&Wort",
      "postgresql://127.0.0.1/db?user=u&password=geheim&Wort=3",
      "postgresql://127.0.0.1/db?user=u&password=geheim&connect_timeout=Wort",
      "postgresql://127.0.0.1/db?user=u&password=geheim&sslmode=Wort",
      "postgresql://127.0.0.1/db?user=u&password=geheim&port=Wort",
      "postgresql://127.0.0.1/db?user=u&password=geheim&host=geh@Wort",
      "postgresql://127.0.0.1/db?user=u&password=geheim%Wort",
      "host=127.0.0.1 user=u password=geheim Wort",
      "host=127.0.0.1 user=u password=geheim Wort=3",
      "host=127.0.0.1 user=u password='geheim'Wort'",
      "host=127.0.0.1 user=u password='geheim",
      "host=127.0.0.1 user=u password=geheim port=Wort",
      "host=geh@Wort user=u",
      "host=h dbname=postgresql://u:geheim@Wort/db",
      "mysql://u:geheim@Wort/db",
      "jdbc:postgresql:geheim",
      "Host=h;Username=u;Password=geheim;Database=Wort",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    if (pg_connection_open(bad[i], "unit", NULL, &error) != NULL)
      fail_msg("%s: connected", bad[i]);
    if (error_code(error) != CCH_ERROR_CONFIG)
      fail_msg("%s: %s", bad[i], error->message);
    if (strstr(error->message, "geh") != NULL || strstr(error->message, "eim") != NULL ||
        strstr(error->message, "Wort") != NULL)
      fail_msg("%s: %s", bad[i], error->message);
    gboolean is_address = strncmp(bad[i], "postgresql:", 11) == 0 && strstr(bad[i], "?user=") == NULL;
    if (is_address && strstr(error->message, "%40") == NULL)
      fail_msg("%s: does not tell how: %s", bad[i], error->message);
  }
}

static void
a_refused_password_with_a_percent_sign_is_explained(void **state)
{
  (void)state;
  g_autofree char *host = g_uri_escape_string(socket_directory, NULL, FALSE);
  g_autofree char *with = g_strdup_printf("postgresql://locked:p%%41@%s/postgres", host);
  g_autofree char *without = g_strdup_printf("postgresql://locked:pA@%s/postgres", host);
  g_autoptr(GError) error = NULL;
  assert_null(pg_connection_open(with, "unit", NULL, &error));
  assert_error(error, CCH_ERROR_DATABASE_AUTHENTICATION, "28P01");
  assert_non_null(strstr(error->message, "%25"));
  g_clear_error(&error);
  assert_null(pg_connection_open(without, "unit", NULL, &error));
  assert_null(strstr(error->message, "%25"));
}

/* Examples from other drivers' documentation. */
static void
other_drivers_connection_strings_are_understood(void **state)
{
  (void)state;
  static const struct {
    const char *dsn, *ignored, *arguments;
  } cases[] = {
      {"postgresql://u@h/db?schema=public&pgbouncer=true&connection_limit=5&pool_timeout=10",
       "schema, pgbouncer, connection_limit, pool_timeout", "host='h' dbname='db'"},
      {"postgres://u@h/db?sslmode=no-verify&uselibpqcompat=true", "uselibpqcompat",
       "host='h' dbname='db' sslmode='require'"},
      {"postgres://u@h/db?max=10&idle_timeout=20&prepare=false&ssl=true", "max, idle_timeout, prepare",
       "host='h' dbname='db' sslmode='require'"},
      {"postgres://u@h/db?ssl=false", NULL, "host='h' dbname='db' sslmode='disable'"},
      {"postgresql+asyncpg://u@h/db?prepared_statement_cache_size=0", "prepared_statement_cache_size",
       "host='h' dbname='db'"},
      {"postgresql+psycopg2://u@/db?host=/run/pg", NULL, "host='/run/pg' dbname='db'"},
      {"POSTGRESQL://u@h/db", NULL, "host='h' dbname='db'"},
      {"Postgres://u@h/db", NULL, "host='h' dbname='db'"},
      {"postgis://u@h/db?conn_max_age=600", "conn_max_age", "host='h' dbname='db'"},
      {"jdbc:postgresql://h:1/db?user=u&prepareThreshold=0&currentSchema=public&ApplicationName=x&connectTimeout=5",
       "prepareThreshold, currentSchema, ApplicationName", "host='h' port='1' dbname='db' connect_timeout='5'"},
      {"postgres://u@h/db?pool_max_conns=10&default_query_exec_mode=exec&timezone=UTC&statement_timeout=5000",
       "pool_max_conns, default_query_exec_mode, timezone, statement_timeout", "host='h' dbname='db'"},
      {"postgres://u@h/db?search_path=\"$user\",public", "search_path", "host='h' dbname='db'"},
      {"host=h user=u dbname=db TimeZone=Asia/Shanghai pool_max_conns=4", "TimeZone, pool_max_conns",
       "host='h' dbname='db'"},
      {"  postgresql://u@h/db \n", NULL, "host='h' dbname='db'"},
      {"\"postgresql://u@h/db\"", NULL, "host='h' dbname='db'"},
      {" 'host=h user=u dbname=db' ", NULL, "host='h' dbname='db'"},
      {"postgresql://u@h/db?options=-c%20search_path%3Dpublic", NULL, "host='h' dbname='db'"},
      {"postgresql://u@h/db?options=endpoint%3Dep-1&channel_binding=require", NULL, "channel_binding='require'"},
      {"postgresql://u@h/db?sslMode=disable&supa=base-pooler.x&charset=utf8&jit=off", "supa, charset, jit",
       "sslmode='disable'"},
      {"postgresql://u@h/db?SSLMODE=require&maxPoolSize=5", "maxPoolSize", "sslmode='require'"},
      {"postgresql://u@h/db?ssl=no-verify", NULL, "sslmode='require'"},
      {"postgresql://u:a?b#c&d=e@h/db", NULL, "host='h' dbname='db'"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *ignored = NULL;
    g_autofree char *arguments = NULL;
    g_auto(GStrv) environment = NULL;
    if (!dsn_check(cases[i].dsn, &ignored, &error) || !dsn_for_child(cases[i].dsn, &arguments, &environment, &error))
      fail_msg("%s: %s", cases[i].dsn, error->message);
    if (g_strcmp0(ignored, cases[i].ignored) != 0)
      fail_msg("%s: passed over: %s", cases[i].dsn, ignored);
    g_auto(GStrv) wanted = g_strsplit(cases[i].arguments, " ", -1);
    for (char **word = wanted; *word != NULL; word++)
      if (strstr(arguments, *word) == NULL)
        fail_msg("%s: %s", cases[i].dsn, arguments);
    assert_non_null(strstr(arguments, "user='u'"));
  }
}

static void
a_parameter_that_matters_is_refused_by_its_name(void **state)
{
  (void)state;
  static const char *const cases[][2] = {
      {"postgresql://u@h/db?schema=app", "schema"},
      {"postgresql://u@h/db?search_path=app,public", "search_path"},
      {"jdbc:postgresql://h/db?currentSchema=app", "currentSchema"},
      {"postgresql://u@h/db?options=-c%20search_path%3Dapp", "options"},
      {"postgresql://u@h/db?options=-csearch_path=app", "options"},
      {"postgresql://u@h/db?options=-c%20role%3Dreader", "options"},
      {"postgresql://u@h/db?role=reader", "role"},
      {"postgresql://u@h/db?default_transaction_read_only=on", "default_transaction_read_only"},
      {"postgresql://u@h/db?replication=database", "replication"},
      {"postgresql://u@h/db?sslmode=sometimes", "sslmode"},
      {"postgresql://u@h/db?connect_timeout=soon", "connect_timeout"},
      {"postgresql://u@h/db?sslrootcert=system&sslmode=require", "sslrootcert"},
      {"jdbc:postgresql://h/db?targetServerType=secondary", "targetServerType"},
      {"postgresql://u@h/db?no_such_thing=1", "no_such_thing"},
      {"host=h no_such_thing=1", "no_such_thing"},
      {"DSN=postgresql://u@h/db", "in front of postgresql://"},
      {"psql 'postgresql://u@h/db'", "in front of postgresql://"},
      {"\xe2\x80\x9cpostgresql://u@h/db\xe2\x80\x9d", "in front of postgresql://"},
      {"Host=h;Port=1;Username=u;Password=p", "joined by blanks"},
      {"socket:/run/pg?db=x", "host=/directory"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *ignored = NULL;
    if (dsn_check(cases[i][0], &ignored, &error))
      fail_msg("%s: accepted", cases[i][0]);
    assert_error(error, CCH_ERROR_CONFIG, "");
    if (strstr(error->message, cases[i][1]) == NULL)
      fail_msg("%s: %s", cases[i][0], error->message);
  }
}

static void
the_systems_authorities_are_used_where_none_are_named(void **state)
{
  (void)state;
  static const struct {
    const char *dsn, *wanted;
  } cases[] = {
      {"postgresql://u@h/db?sslmode=verify-full", "sslrootcert='/etc/hosts'"},
      {"postgresql://u@h/db?sslmode=verify-full&sslrootcert=system", "sslrootcert='/etc/hosts'"},
      {"host=h sslrootcert=system", "sslmode='verify-full'"},
      {"postgresql://u@h/db?sslaccept=strict", "sslrootcert='/etc/hosts'"},
      {"postgresql://u@h/db?sslmode=verify-full&sslrootcert=/my/ca.pem", "sslrootcert='/my/ca.pem'"},
      {"postgresql://u@h/db?sslmode=require", NULL},
      {"postgresql://u@h/db?sslmode=verify-ca", NULL},
  };
  g_setenv("SSL_CERT_FILE", "/etc/hosts", TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *arguments = NULL;
    g_auto(GStrv) environment = NULL;
    g_autoptr(GError) error = NULL;
    if (!dsn_for_child(cases[i].dsn, &arguments, &environment, &error))
      fail_msg("%s: %s", cases[i].dsn, error->message);
    gboolean is_as_wanted =
        cases[i].wanted != NULL ? strstr(arguments, cases[i].wanted) != NULL : strstr(arguments, "sslrootcert") == NULL;
    if (!is_as_wanted)
      fail_msg("%s: %s", cases[i].dsn, arguments);
  }
  g_setenv("SSL_CERT_FILE", "/nonexistent", TRUE);
  g_autofree char *ignored = NULL;
  g_autoptr(GError) error = NULL;
  gboolean is_accepted = dsn_check("host=h sslmode=verify-full", &ignored, &error);
  g_unsetenv("SSL_CERT_FILE");
  assert_false(is_accepted);
  assert_non_null(strstr(error->message, "sslrootcert=FILE"));
}

static void
a_childs_arguments_never_hold_the_password(void **state)
{
  (void)state;
  g_autofree char *in_uri = g_uri_escape_string(SECRET, NULL, FALSE);
  g_autofree char *host = g_uri_escape_string(socket_directory, NULL, FALSE);
  char *dsns[] = {
      g_strdup_printf("postgresql://locked:%s@%s/postgres", in_uri, host),
      g_strdup_printf("postgresql://locked@%s/postgres?password=%s", host, in_uri),
      g_strdup_printf("host=%s user=locked password='S3cr3t\\'\"\\\\ %%41'", socket_directory),
  };
  for (gsize i = 0; i < G_N_ELEMENTS(dsns); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *arguments = NULL;
    g_auto(GStrv) environment = NULL;
    if (!dsn_for_child(dsns[i], &arguments, &environment, &error))
      fail_msg("%s", error->message);
    assert_null(strstr(arguments, "S3cr3t"));
    assert_null(strstr(arguments, "password"));
    assert_string_equal(environment[0], "PGPASSWORD=" SECRET);
    assert_null(environment[1]);

    g_setenv("PGPASSWORD", SECRET, TRUE); /* as the child gets it */
    g_autoptr(PgConnection) connection = pg_connection_open(arguments, "unit", NULL, &error);
    g_unsetenv("PGPASSWORD");
    if (connection == NULL)
      fail_msg("%s", error->message);
    assert_value(connection, "SELECT current_user", "locked");
    g_free(dsns[i]);
  }
}

static void
a_key_files_password_cannot_be_handed_to_a_child(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *arguments = NULL;
  g_auto(GStrv) environment = NULL;
  assert_false(dsn_for_child("host=h sslpassword=S3cr3t", &arguments, &environment, &error));
  assert_error(error, CCH_ERROR_CONFIG, "");
  assert_null(strstr(error->message, "S3cr3t"));
  assert_null(arguments);

  assert_true(dsn_for_child("host=h", &arguments, &environment, NULL));
  assert_null(environment[0]);
  assert_string_equal(arguments, "host='h' port='5432' user='postgres' dbname='postgres'");
}

static void
a_refused_connection_tells_why(void **state)
{
  (void)state;
  g_autofree char *right = g_strdup_printf("host=%s user=locked password='S3cr3t\\'\"\\\\ %%41'", socket_directory);
  g_autoptr(PgConnection) connection = open_dsn(right);
  g_autofree char *wrong = g_strdup_printf("host=%s user=locked password=S3cr3t", socket_directory);
  assert_refused(wrong, CCH_ERROR_DATABASE_AUTHENTICATION, "28P01");
  g_autofree char *nobody = g_strdup_printf("host=%s user=nobody_here", socket_directory);
  assert_refused(nobody, CCH_ERROR_DATABASE_AUTHENTICATION, "28000");
  g_autofree char *rejected = g_strdup_printf("host=%s user=rejected", socket_directory);
  assert_refused(rejected, CCH_ERROR_DATABASE_AUTHENTICATION, "28000");
  g_autofree char *missing = g_strdup_printf("%s dbname='no:  28P01: such'", postgres_dsn());
  assert_refused(missing, CCH_ERROR_DATABASE_MISSING, "3D000");
  g_autofree char *limited = g_strdup_printf("host=%s user=limited", socket_directory);
  assert_refused(limited, CCH_ERROR_DATABASE_UNAVAILABLE, "53300");
}

static void
a_missing_password_is_a_refused_login(void **state)
{
  (void)state;
  g_autofree char *dsn = g_strdup_printf("host=%s user=locked passfile=/nonexistent", socket_directory);
  assert_refused(dsn, CCH_ERROR_DATABASE_AUTHENTICATION, "");
}

static void
a_server_that_is_not_there_is_unavailable(void **state)
{
  (void)state;
  assert_refused("host=/nonexistent password=S3cr3t", CCH_ERROR_DATABASE_UNAVAILABLE, "");
  assert_refused("postgresql://u:S3cr3t@[::1]:1/db", CCH_ERROR_DATABASE_UNAVAILABLE, "");
  assert_refused("postgresql://u:S3cr3t@127.0.0.1:1/db", CCH_ERROR_DATABASE_UNAVAILABLE, "");
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  g_autoptr(GError) error = NULL;
  assert_null(pg_connection_open(postgres_dsn(), "unit", cancellable, &error));
  assert_error(error, CCH_ERROR_CANCELLED, "");
}

/* Roles that log in in different ways, and the server's rules for them. */
static int
set_up(void **state)
{
  start_postgres(state);
  g_auto(DsnDisplay) display = {0};
  assert_true(dsn_parse_display(postgres_dsn(), &display, NULL));
  socket_directory = g_steal_pointer(&display.host);
  g_autoptr(PgConnection) connection = open_connection();
  g_autofree char *secret = pg_quote_literal(SECRET);
  assert_true(pg_connection_execf(connection, NULL,
                                  "CREATE ROLE locked LOGIN PASSWORD %s; CREATE ROLE rejected LOGIN; "
                                  "CREATE ROLE limited LOGIN CONNECTION LIMIT 0",
                                  secret));
  g_autofree char *hba_file = NULL;
  assert_true(pg_connection_value(connection, &hba_file, NULL, "SHOW hba_file", 0));
  g_autofree char *path = pg_quote_literal(hba_file);
  assert_true(pg_connection_execf(connection, NULL,
                                  "COPY (VALUES ('local all locked scram-sha-256'), ('local all rejected reject'), "
                                  "('local all all trust')) TO %s",
                                  path));
  exec_ok(connection, "SELECT pg_reload_conf()");
  /* The postmaster reads the rules with a delay. */
  g_autofree char *dsn = g_strdup_printf("host=%s user=rejected", socket_directory);
  for (int i = 0; i < 500; i++) {
    g_autoptr(PgConnection) rejected = pg_connection_open(dsn, "unit", NULL, NULL);
    if (rejected == NULL)
      return 0;
    g_usleep(20 * 1000);
  }
  return 1;
}

static int
tear_down(void **state)
{
  g_free(socket_directory);
  return stop_postgres(state);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_of_connection_string_leads_to_the_server),
      cmocka_unit_test(what_is_shown_of_a_connection_string_is_where_it_leads),
      cmocka_unit_test(a_service_of_the_environment_is_shown_too),
      cmocka_unit_test(the_environment_fills_what_the_connection_string_leaves_open),
      cmocka_unit_test(a_bad_connection_string_is_refused_without_showing_it),
      cmocka_unit_test(a_raw_password_is_never_shown_in_part),
      cmocka_unit_test(a_refused_password_with_a_percent_sign_is_explained),
      cmocka_unit_test(other_drivers_connection_strings_are_understood),
      cmocka_unit_test(a_parameter_that_matters_is_refused_by_its_name),
      cmocka_unit_test(the_systems_authorities_are_used_where_none_are_named),
      cmocka_unit_test(a_childs_arguments_never_hold_the_password),
      cmocka_unit_test(a_key_files_password_cannot_be_handed_to_a_child),
      cmocka_unit_test(a_refused_connection_tells_why),
      cmocka_unit_test(a_missing_password_is_a_refused_login),
      cmocka_unit_test(a_server_that_is_not_there_is_unavailable),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
