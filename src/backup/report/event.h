/* Events of a running import: frames of the SSE stream and lines of the command line. */
#pragma once

#include "base/language.h"
#include "base/text.h"

#include <glib.h>

typedef enum { BACKUP_EVENT_PROGRESS, BACKUP_EVENT_COMPLETE, BACKUP_EVENT_ERROR } BackupEventType;

typedef enum {
  BACKUP_PHASE_CHECK, /* reading the archive */
  BACKUP_PHASE_CONNECT,
  BACKUP_PHASE_LOCKS,   /* waiting for table locks */
  BACKUP_PHASE_SCHEMA,  /* dropping and creating objects */
  BACKUP_PHASE_DATA,    /* rows and large objects */
  BACKUP_PHASE_INDEXES, /* indexes, constraints, triggers, sequences */
  BACKUP_PHASE_MIGRATE,
  BACKUP_PHASE_COMMIT, /* import in one transaction */
  BACKUP_PHASE_SWAP,   /* import by swap */
  BACKUP_PHASE_DONE
} BackupPhase;

/* The API's names: "check", "connect", "locks", … */
const char *backup_phase_name(BackupPhase phase);
const char *backup_event_type_name(BackupEventType type); /* "progress", "complete", "error" */

/* What happened to one table. rows_total is the sum of the other counts. */
typedef struct {
  char *table;        /* "public.users" */
  guint64 rows_total; /* in the archive */
  guint64 rows_inserted;
  guint64 rows_updated;   /* ON_CONFLICT_UPDATE: existed with other values, now the archive's */
  guint64 rows_unchanged; /* exist with the same values; 0 with ON_CONFLICT_SKIP, which counts them as skipped */
  guint64 rows_skipped;   /* exist, or conflict with existing rows, and are not imported */
  gboolean is_compared;   /* a merge, which knows the two counts below */
  guint64 rows_different; /* of rows_skipped: exist with other values, which are kept */
  guint64 rows_taken;     /* of rows_skipped: one of their keys belongs to another row, here or in the archive */
} BackupTableResult;

/* Rows that exist with the same values. Of a compared result. */
guint64 backup_table_result_equal(const BackupTableResult *result);

typedef struct {
  BackupEventType type;
  BackupPhase phase;
  const char *message;      /* in the caller's language; NULL if only the counts have changed */
  gboolean is_warning;      /* the message is an ignored error or a caution */
  const char *table;        /* NULL outside a table */
  guint64 rows, rows_total; /* of all tables together */
  guint64 bytes, bytes_total;
  double percent; /* 0 to 100 of the whole import */
  guint warning_count, error_count;
  int exit_code;                   /* COMPLETE: 0, or 1 with warnings; ERROR: the error's */
  const char *error_code;          /* ERROR: the stable errorCode */
  const BackupTableResult *tables; /* COMPLETE: what happened to each table */
  guint n_tables;
} BackupEvent;

/* Called on a thread of the import, one call at a time. Must not block for long, nor report progress itself. The
 * event is valid during the call only. */
typedef void (*BackupEventFunc)(const BackupEvent *event, gpointer user_data);
