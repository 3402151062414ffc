/* Databases for the tests of loading: made, dumped, restored and compared on one server. A step that does not work
 * fails the test. */
#pragma once

#include "archive/archive_builder.h"
#include "backup/load/load.h"
#include "servers.h"

typedef struct {
  TestPostgres *postgres;
  char *directory; /* for archives and texts */
  guint n_names;
  ArchiveReader *reader; /* of the last load */
} LoadDatabases;

LoadDatabases *load_databases_start(void);
void load_databases_stop(LoadDatabases *databases);

/* An empty database of its own name; `options` may follow CREATE DATABASE name TEMPLATE template0. The name is the
 * caller's. */
char *load_databases_create(LoadDatabases *databases, const char *options);

char *load_databases_dsn(const LoadDatabases *databases, const char *database);
void load_databases_exec(const LoadDatabases *databases, const char *database, const char *sql);
void load_databases_exec_file(const LoadDatabases *databases, const char *database, const char *path);
void load_databases_assert_value(const LoadDatabases *databases, const char *database, const char *sql,
                                 const char *expected);

/* pg_dump --format=custom into a file, whose path is the caller's. */
char *load_databases_dump(LoadDatabases *databases, const char *database);

/* The archive of a builder as such a file. */
char *load_databases_build(LoadDatabases *databases, const ArchiveBuilder *builder);

/* pg_restore into a new database. */
char *load_databases_pg_restore(LoadDatabases *databases, const char *archive);

/* Both look the same to pg_dump; rows may be in any order. */
void load_databases_assert_equal(LoadDatabases *databases, const char *database, const char *other);

/* Nobody is connected to the database, or is so only to leave. */
void load_databases_assert_left(const LoadDatabases *databases, const char *database);

/* Hears an event and does nothing. */
void load_databases_ignore_event(const BackupEvent *event, gpointer user_data);

/* How a load is run and heard. */
typedef struct {
  guint jobs;
  gboolean hash_rows;
  BackupEventFunc func; /* NULL: nobody listens */
  gpointer user_data;
  GCancellable *cancellable;
  void (*before)(int fd); /* called between check and load; NULL: nothing */
} LoadRun;

/* Loads the archive into the database. What the result points to lives until the next load. */
LoadResult *load_databases_load(LoadDatabases *databases, const char *archive, const char *database, const LoadRun *run,
                                GError **error);
