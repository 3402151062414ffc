/* Imports an archive: plans and applies it. A failed import leaves the database as it was.
 *
 * A merge is one transaction. An overwrite uses one of two methods: a swap loads a shadow database over several
 * connections while the live one stays in use, and then renames both (backup/swap/shadow.h, backup/swap/swap.h). One
 * transaction is used if the server, the role or the contents of the live database do not allow a swap.
 *
 * Before a transaction changes anything, the whole archive is checked. A swap reads the archive only once: damage is
 * found while the shadow is loaded, and the shadow is then dropped. (A swap does not read what is left out of the
 * import, as by `skip_logs`.)
 *
 * An archive whose file is still arriving (archive/read/reader.h) is loaded as it arrives. The swap waits for the last
 * byte, after which the file is scanned as one that was there from the beginning; one transaction waits for it in its
 * check. If no more arrives, the errors are those of the arrival, and the database is as it was.
 *
 * If a manifest is given, the rows read are compared with it, before the transaction or before the swap:
 * MANIFEST_MISMATCH.
 *
 * The caller holds the lock (lock/lock.h) and the file. */
#pragma once

#include "archive/read/reader.h"
#include "backup/manifest/manifest.h"
#include "backup/plan/merge_choice.h"
#include "backup/report/event.h"
#include "lock/lock.h"
#include "pg/pool/pool.h"

#include <gio/gio.h>

typedef enum {
  BACKUP_METHOD_AUTO, /* swap if possible, else transaction */
  BACKUP_METHOD_SWAP,
  BACKUP_METHOD_TRANSACTION
} BackupMethod;

/* "auto", "swap", "transaction". */
const char *backup_method_name(BackupMethod method);
/* FALSE for an unknown name. */
gboolean backup_method_parse(const char *name, BackupMethod *ret_method);

/* The method that an overwriting import into the connection's database would use now, as far as this is known without
 * its archive: SWAP, with `ret_reason` NULL, or TRANSACTION, with the reason as a sentence (free with g_free).
 * A `pool` of the database (may be NULL) lends a kept connection. */
gboolean backup_import_method(PgConnection *connection, const char *dsn, PgPool *pool, Language language,
                              BackupMethod *ret_method, char **ret_reason, GError **error);

typedef struct {
  const char *dsn;
  const char *redis_url;     /* to notify a running hub afterwards; NULL: none */
  const char *holder;        /* the actor, for the audit log */
  const char *client_ip;     /* for the audit log; may be NULL */
  gboolean clean_first;      /* overwrite instead of merge */
  BackupMethod method;       /* of an overwrite; IMPORT_SWAP_IMPOSSIBLE if SWAP is not possible */
  guint keep_s;              /* after a swap: how long the previous database is kept; 0: dropped at once */
  gboolean skip_logs;        /* leave out the rows of message_request */
  gboolean allow_incomplete; /* overwrite even if the archive lacks data of tables with rows here, or indexes and keys;
                                otherwise IMPORT_INCOMPLETE */
  BackupOnConflict on_conflict;          /* this and the next: merge only; see backup_choices_check */
  const char *const *tables;             /* NULL or empty: all; otherwise names for backup_tables_find */
  const char *const *without_extensions; /* these are left out, with what depends on them; NULL: none */
  gboolean is_strict;         /* what this role may not make, or names a role that is not here, fails the import
                                 (IMPORT_LEFT_OUT) instead of being left out with a warning */
  const Manifest *manifest;   /* the archive's expected contents; NULL: unknown */
  gboolean migrate;           /* run migrations afterwards */
  gboolean leaves_statistics; /* after a swap: the caller has the full statistics collected (statistics_keeper_wake);
                                 otherwise the import does it, when the new database is live */
  guint lock_wait_s;          /* total wait for table locks; in a swap, for other sessions to end */
  Language language;          /* of the messages in events */
} BackupImportOptions;

/* Runs the import on this thread and reports through `func`. The last event is COMPLETE or ERROR. Cancelling rolls
 * back. The reader is freshly opened; checking it is part of the run. TRUE if the data is committed. */
gboolean backup_import_run(ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock,
                           BackupEventFunc func, gpointer user_data, GCancellable *cancellable, GError **error);
