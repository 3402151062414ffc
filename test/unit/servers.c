#include "servers.h"

#include "base/os/child.h"
#include "pg/connection/connection.h"
#include "redis/redis.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { START_TIMEOUT_MS = 30000, START_POLL_MS = 20 };

struct TestRedis {
  char *directory;
  char *socket_path;
  char *url;
  char *password;
  guint16 port;
  ChildProcess *child;
};

struct TestPostgres {
  char *directory;
  char *dsn;
  uid_t uid; /* 0: ours */
  gid_t gid;
  ChildProcess *child;
};

char *
test_directory_new(void)
{
  char *directory = g_strdup("/tmp/cch-data-test-XXXXXX");
  if (mkdtemp(directory) == NULL)
    g_error("mkdtemp failed");
  return directory;
}

void
test_directory_free(char *directory)
{
  const char *argv[] = {"rm", "-rf", "--", directory, NULL};
  g_free(child_process_run(&(ChildOptions){.argv = argv}, NULL, NULL));
  g_free(directory);
}

/* A port that was free a moment ago. */
static guint16
free_port(void)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0)
    g_error("no free port");
  close(fd);
  return ntohs(address.sin_port);
}

static gboolean
redis_answers(const TestRedis *redis)
{
  g_autofree char *url = redis->password != NULL ? g_strdup_printf("unix://:%s@%s", redis->password, redis->socket_path)
                                                 : g_strdup_printf("unix://%s", redis->socket_path);
  g_autoptr(RedisConnection) connection = redis_connection_open(url, NULL);
  g_autoptr(RedisReply) reply = connection != NULL ? redis_command(connection, NULL, 1, "PING") : NULL;
  return reply != NULL;
}

static void
run_redis(TestRedis *redis)
{
  g_autofree char *port = g_strdup_printf("%u", redis->port);
  const char *argv[] = {"redis-server",
                        "--port",
                        port,
                        "--bind",
                        "127.0.0.1",
                        "-::1",
                        "--unixsocket",
                        redis->socket_path,
                        "--save",
                        "",
                        "--appendonly",
                        "no",
                        "--dir",
                        redis->directory,
                        redis->password != NULL ? "--requirepass" : NULL,
                        redis->password,
                        NULL};
  ChildOptions options = {.argv = argv, .parent_death_signal = SIGKILL};
  g_autoptr(GError) error = NULL;
  redis->child = child_process_spawn(&options, &error);
  if (redis->child == NULL)
    g_error("redis-server: %s", error->message);
  for (int waited_ms = 0; !redis_answers(redis); waited_ms += START_POLL_MS) {
    if (waited_ms > START_TIMEOUT_MS)
      g_error("redis-server does not answer");
    g_usleep(START_POLL_MS * 1000);
  }
}

TestRedis *
test_redis_start(gboolean is_tcp, const char *password)
{
  TestRedis *redis = g_new0(TestRedis, 1);
  redis->directory = test_directory_new();
  redis->socket_path = g_build_filename(redis->directory, "redis.sock", NULL);
  redis->port = is_tcp ? free_port() : 0;
  redis->password = g_strdup(password);
  redis->url =
      is_tcp ? g_strdup_printf("redis://127.0.0.1:%u", redis->port) : g_strdup_printf("unix://%s", redis->socket_path);
  run_redis(redis);
  return redis;
}

const char *
test_redis_url(const TestRedis *redis)
{
  return redis->url;
}

guint16
test_redis_port(const TestRedis *redis)
{
  return redis->port;
}

const char *
test_redis_socket(const TestRedis *redis)
{
  return redis->socket_path;
}

void
test_redis_signal(TestRedis *redis, int signal_number)
{
  child_process_signal(redis->child, signal_number);
}

void
test_redis_kill(TestRedis *redis)
{
  if (redis->child == NULL)
    return;
  child_process_signal(redis->child, SIGKILL);
  child_process_wait(redis->child, -1, NULL);
  g_clear_pointer(&redis->child, child_process_free);
  unlink(redis->socket_path);
}

void
test_redis_restart(TestRedis *redis)
{
  run_redis(redis);
}

void
test_redis_free(TestRedis *redis)
{
  if (redis == NULL)
    return;
  test_redis_kill(redis);
  test_directory_free(redis->directory);
  g_free(redis->socket_path);
  g_free(redis->url);
  g_free(redis->password);
  g_free(redis);
}

static char *
find_postgres_program(const char *name)
{
  const char *directory = g_getenv("CCH_TEST_SERVER_BIN"); /* tools/with-postgres: a server of another version */
  if (directory != NULL)
    return g_build_filename(directory, name, NULL);
  for (int version = 30; version >= 12; version--) {
    g_autofree char *path = g_strdup_printf("/usr/lib/postgresql/%d/bin/%s", version, name);
    if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
      return g_steal_pointer(&path);
  }
  char *path = g_find_program_in_path(name);
  if (path == NULL)
    g_error("%s is not installed", name);
  return path;
}

static void
init_cluster(const TestPostgres *postgres, const char *data_directory)
{
  const char *template = g_getenv("CCH_TEST_CLUSTER"); /* tools/with-cluster has created one to copy */
  g_autofree char *program = find_postgres_program("initdb");
  const char *copy_argv[] = {"cp", "-a", "--reflink=auto", template, data_directory, NULL};
  const char *init_argv[] = {program, "-D",        data_directory, "-U",   "postgres",         "-A",
                             "trust", "--no-sync", "-E",           "UTF8", "--locale=C.UTF-8", NULL};
  const char *const *argv = template != NULL ? copy_argv : init_argv;
  ChildOptions options = {.argv = argv, .directory = "/", .uid = postgres->uid, .gid = postgres->gid};
  g_autoptr(GError) error = NULL;
  g_autofree char *output = child_process_run(&options, NULL, &error);
  if (output == NULL)
    g_error("making a cluster: %s", error->message);
}

static void
run_postgres(TestPostgres *postgres, const char *data_directory)
{
  g_autofree char *program = find_postgres_program("postgres");
  /* Nothing has to survive a crash of the machine. A small shared memory costs each backend fewer page faults. */
  const char *argv[] = {program,
                        "-D",
                        data_directory,
                        "-k",
                        postgres->directory,
                        "--listen-addresses=",
                        "--max-connections=40",
                        "--fsync=off",
                        "--synchronous-commit=off",
                        "--full-page-writes=off",
                        "--shared-buffers=8MB",
                        "--max-wal-size=2GB",
                        "--jit=off",
                        NULL};
  ChildOptions options = {
      .argv = argv, .directory = "/", .uid = postgres->uid, .gid = postgres->gid, .parent_death_signal = SIGQUIT};
  g_autoptr(GError) error = NULL;
  postgres->child = child_process_spawn(&options, &error);
  if (postgres->child == NULL)
    g_error("postgres: %s", error->message);
  for (int waited_ms = 0;; waited_ms += START_POLL_MS) {
    g_autoptr(PgConnection) connection = pg_connection_open(postgres->dsn, "cch-data test", NULL, NULL);
    if (connection != NULL)
      return;
    if (waited_ms > START_TIMEOUT_MS)
      g_error("postgres does not answer");
    g_usleep(START_POLL_MS * 1000);
  }
}

TestPostgres *
test_postgres_start(void)
{
  TestPostgres *postgres = g_new0(TestPostgres, 1);
  postgres->directory = test_directory_new();
  postgres->dsn = g_strdup_printf("host=%s dbname=postgres user=postgres", postgres->directory);
  if (geteuid() == 0) { /* PostgreSQL refuses to run as root */
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL || chown(postgres->directory, user->pw_uid, user->pw_gid) != 0)
      g_error("no user postgres");
    postgres->uid = user->pw_uid;
    postgres->gid = user->pw_gid;
  }
  g_autofree char *data_directory = g_build_filename(postgres->directory, "data", NULL);
  init_cluster(postgres, data_directory);
  run_postgres(postgres, data_directory);
  return postgres;
}

const char *
test_postgres_dsn(const TestPostgres *postgres)
{
  return postgres->dsn;
}

void
test_postgres_signal(TestPostgres *postgres, int signal_number)
{
  child_process_signal(postgres->child, signal_number);
}

void
test_postgres_free(TestPostgres *postgres)
{
  if (postgres == NULL)
    return;
  child_process_signal(postgres->child, SIGQUIT);
  child_process_wait(postgres->child, -1, NULL);
  child_process_free(postgres->child);
  test_directory_free(postgres->directory);
  g_free(postgres->dsn);
  g_free(postgres);
}
