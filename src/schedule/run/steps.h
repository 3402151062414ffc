/* What a run does. Each step works on this thread, and stops when the run's cancellable is triggered. */
#pragma once

#include "backup/manifest/manifest.h"
#include "schedule/run/work.h"

/* A backup, as it was made and as it is stored. */
typedef struct {
  char *path;    /* of the file, in the run's directory */
  char *name;    /* of the file at its destinations */
  guint64 bytes; /* of the file */
  char *sha256;  /* likewise */
  Manifest *manifest;
  char *manifest_json;
  gint64 recovery_ms; /* of a drill before the encryption; -1: none */
} MadeBackup;

void made_backup_clear(MadeBackup *made);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MadeBackup, made_backup_clear)

/* make.c: exports the database into a file in the run's directory, and encrypts it if the job has recipients; before
 * that the archive is restored for a trial if `has_drill`, because nobody here can read it afterwards. Errors: those of
 * an export, of age, and of an archive that the trial finds damaged. */
gboolean make_backup(RunWork *work, const CatalogJob *job, gboolean has_drill, MadeBackup *ret_made, GError **error);

/* keep.c: puts a backup and its manifest at a destination, and records it. */
gboolean keep_backup(RunWork *work, const CatalogJob *job, gint64 destination_id, const MadeBackup *made,
                     GError **error);

/* scan.c: compares the records of a destination with what lies there: backups that are unknown are recorded from their
 * manifests, those that are gone or have another size are marked. `job_name` NULL: all folders. `ret_found` (may be
 * NULL) counts the good files. STORAGE_AWAY, and nothing is marked, where none of the good backups on record lies
 * there; `new_name` (may be NULL), which was put a moment ago, does not count, and is marked as missing then. */
gboolean scan_destination(RunWork *work, const CatalogDestination *destination, Storage *storage, const char *job_name,
                          const char *new_name, guint *ret_found, GError **error);

/* prune.c: scans a destination, then deletes the backups there that the job's retention does not keep. For `new_name`
 * see scan_destination. */
gboolean prune_destination(RunWork *work, const CatalogJob *job, gint64 destination_id, const char *new_name,
                           guint *ret_deleted, GError **error);

/* prove.c: reads a backup back and compares it with its manifest; with `is_drill` also restores it for a trial.
 * `identity` opens an encrypted one; NULL: its bytes are compared, and nothing more. `ret_proof` is "checksum", "read"
 * or "drill". BACKUP_DAMAGED. */
gboolean prove_backup(RunWork *work, const CatalogBackup *backup, gboolean is_drill, const char *identity,
                      const char **ret_proof, gint64 *ret_recovery_ms, GError **error);
/* Whether a failure says that the backup is damaged, and not that it could not be reached or tried. */
gboolean prove_is_damage(const GError *problem);
/* The trial alone, of an archive in a file. BACKUP_BUSY while the load average is above CCH_DATA_DRILL_MAX_LOAD, after
 * `load_wait_s`. */
gboolean prove_by_trial(RunWork *work, int fd, const Manifest *manifest, guint load_wait_s, gint64 *ret_load_ms,
                        GError **error);
