/* Creates, dumps, restores and compares databases on one server, for the tests of loading. A failed step fails the
 * test. */
#pragma once

#include "archive/archive_builder.h"
#include "backup/load/load.h"
#include "servers.h"

typedef struct {
  TestPostgres *postgres;
  char *directory; /* for archives and texts */
  /* Of CREATE DATABASE. Copying files takes half the time of logging pages; PostgreSQL 15 or newer can choose. */
  const char *strategy;
  guint n_names;
  ArchiveReader *reader; /* of the last load */
} LoadDatabases;

LoadDatabases *load_databases_start(void);
void load_databases_stop(LoadDatabases *databases);

/* An empty database with a new name; `options` may follow CREATE DATABASE name TEMPLATE template0. The caller frees the
 * name. */
char *load_databases_create(LoadDatabases *databases, const char *options);

char *load_databases_dsn(const LoadDatabases *databases, const char *database);
void load_databases_exec(const LoadDatabases *databases, const char *database, const char *sql);
void load_databases_exec_file(const LoadDatabases *databases, const char *database, const char *path);
void load_databases_assert_value(const LoadDatabases *databases, const char *database, const char *sql,
                                 const char *expected);

/* pg_dump --format=custom into a file; the caller frees its path. */
char *load_databases_dump(LoadDatabases *databases, const char *database);

/* Writes a builder's archive into such a file. */
char *load_databases_build(LoadDatabases *databases, const ArchiveBuilder *builder);

/* pg_restore into a new database. */
char *load_databases_pg_restore(LoadDatabases *databases, const char *archive);

/* Asserts that pg_dump's output of both is the same, with rows in any order. */
void load_databases_assert_equal(LoadDatabases *databases, const char *database, const char *other);

/* Asserts that nobody is connected to the database, except sessions that are ending. */
void load_databases_assert_left(const LoadDatabases *databases, const char *database);

/* Ignores an event. */
void load_databases_ignore_event(const BackupEvent *event, gpointer user_data);

/* Options of a load. */
typedef struct {
  guint jobs;
  gboolean hash_rows;
  BackupEventFunc func; /* NULL: none */
  gpointer user_data;
  GCancellable *cancellable;
  void (*before)(int fd); /* called between check and load; NULL: nothing */
} LoadRun;

/* Loads the archive into the database. The data of the result is valid until the next load. */
LoadResult *load_databases_load(LoadDatabases *databases, const char *archive, const char *database, const LoadRun *run,
                                GError **error);
