/* Imports an archive: plans, and applies it. Whatever fails, the database is as it was.
 *
 * A merge is one transaction. An overwrite is done in one of two ways: by swap, which loads a shadow database over
 * several connections while the live one stays in use, and then renames both (backup/swap/shadow.h,
 * backup/swap/swap.h); or in one transaction, where the server, the role or what the live database holds do not allow
 * that.
 *
 * Before a transaction touches anything the archive is checked whole. The way by swap reads it once only: damage shows
 * while the shadow is loaded, which is then dropped. (What is left out of the import, as by `skip_logs`, it does not
 * read.)
 *
 * Where a manifest is given, the rows that were read are compared with it, before the transaction or before the swap:
 * MANIFEST_MISMATCH.
 *
 * The caller holds the lock (lock/lock.h) and the file. */
#pragma once

#include "archive/read/reader.h"
#include "backup/manifest/manifest.h"
#include "backup/plan/merge_choice.h"
#include "backup/report/event.h"
#include "lock/lock.h"

#include <gio/gio.h>

typedef enum {
  BACKUP_METHOD_AUTO, /* swap where it may be, else transaction */
  BACKUP_METHOD_SWAP,
  BACKUP_METHOD_TRANSACTION
} BackupMethod;

/* "auto", "swap", "transaction". */
const char *backup_method_name(BackupMethod method);
/* FALSE for another name. */
gboolean backup_method_parse(const char *name, BackupMethod *ret_method);

/* What an overwriting import would use now, as far as can be known without its archive: SWAP, with `ret_reason` NULL,
 * or TRANSACTION, with a sentence why (free with g_free). */
gboolean backup_import_method(const char *dsn, Language language, BackupMethod *ret_method, char **ret_reason,
                              GError **error);

typedef struct {
  const char *dsn;
  const char *redis_url;        /* to tell a running hub afterwards; NULL: none */
  const char *holder;           /* who imports, for the audit */
  const char *client_ip;        /* likewise; may be NULL */
  gboolean clean_first;         /* overwrite instead of merge */
  BackupMethod method;          /* of an overwrite; a SWAP that cannot be is IMPORT_SWAP_IMPOSSIBLE */
  guint keep_s;                 /* after a swap: how long the database from before is kept; 0: dropped at once */
  gboolean skip_logs;           /* leave out the rows of message_request */
  gboolean allow_incomplete;    /* overwrite also with an archive that lacks data of tables with rows here, or indexes
                                   and keys: else IMPORT_INCOMPLETE */
  BackupOnConflict on_conflict; /* merge only, as is the next: see backup_choices_check */
  const char *const *tables;    /* NULL or none: all; else those of backup_tables_find */
  const Manifest *manifest;     /* what the archive has to hold; NULL: not known */
  gboolean migrate;             /* run migrations afterwards */
  guint lock_wait_s;            /* for table locks, in all; in a swap, for other sessions to end */
  Language language;            /* of the events' messages */
} BackupImportOptions;

/* Runs the import on this thread and reports through `func`. The last event is COMPLETE or ERROR. Cancelling rolls
 * back. The reader is freshly opened; checking it is part of the run. Returns TRUE when the data is committed. */
gboolean backup_import_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock,
                           BackupEventFunc func, gpointer user_data, GCancellable *cancellable, GError **error);
