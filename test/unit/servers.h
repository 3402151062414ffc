/* Real servers for tests: each in a private temporary directory, on a Unix socket (Redis on request on a free loopback
 * port too), ended by PID. They also end with the test program, however it ends (parent-death signal). Start them
 * from the main thread. A server that does not start fails the test. */
#pragma once

#include <glib.h>

typedef struct TestRedis TestRedis;

/* `password` may be NULL. With `is_tcp` it listens on 127.0.0.1 and ::1. */
TestRedis *test_redis_start(gboolean is_tcp, const char *password);
const char *test_redis_url(const TestRedis *redis); /* without the password when there is TCP */
guint16 test_redis_port(const TestRedis *redis);    /* 0 without TCP */
const char *test_redis_socket(const TestRedis *redis);
void test_redis_signal(TestRedis *redis, int signal_number); /* SIGSTOP, SIGCONT */
void test_redis_kill(TestRedis *redis);                      /* SIGKILL, and waits */
void test_redis_restart(TestRedis *redis);                   /* after a kill; without data */
void test_redis_free(TestRedis *redis);

typedef struct TestPostgres TestPostgres;

TestPostgres *test_postgres_start(void);
const char *test_postgres_dsn(const TestPostgres *postgres); /* the superuser in the database "postgres" */
void test_postgres_signal(TestPostgres *postgres, int signal_number);
void test_postgres_free(TestPostgres *postgres);

/* An empty private directory below /tmp; test_directory_free removes it with everything in it. */
char *test_directory_new(void);
void test_directory_free(char *directory);
