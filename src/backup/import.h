/* Imports an archive: checks it whole, plans, and applies it in one transaction. Whatever fails, the database is as it
 * was.
 *
 * The caller holds the lock (lock/lock.h) and the file. */
#pragma once

#include "archive/reader.h"
#include "backup/event.h"
#include "backup/merge_choice.h"
#include "lock/lock.h"

#include <gio/gio.h>

typedef struct {
  const char *dsn;
  const char *redis_url;        /* to tell a running hub afterwards; NULL: none */
  const char *holder;           /* who imports, for the audit */
  const char *client_ip;        /* likewise; may be NULL */
  gboolean clean_first;         /* overwrite instead of merge */
  gboolean skip_logs;           /* leave out the rows of message_request */
  BackupOnConflict on_conflict; /* merge only, as is the next: see backup_choices_check */
  const char *const *tables;    /* NULL or none: all; else those of backup_tables_find */
  gboolean migrate;             /* run migrations afterwards */
  guint lock_wait_s;            /* for table locks, in all */
  Language language;            /* of the events' messages */
} BackupImportOptions;

/* Runs the import on this thread and reports through `func`. The last event is COMPLETE or ERROR. Cancelling rolls
 * back. The reader is freshly opened; the check is part of the run. Returns TRUE when the data is committed. */
gboolean backup_import_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock,
                           BackupEventFunc func, gpointer user_data, GCancellable *cancellable, GError **error);
