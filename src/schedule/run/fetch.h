/* Finds backups at a destination by what lies there alone, without records, brings them back, and removes them. */
#pragma once

#include "backup/manifest/manifest.h"
#include "storage/storage.h"

/* Takes the bytes in their order. */
typedef gboolean (*FetchWrite)(gpointer target, const guint8 *bytes, gsize size, GError **error);
typedef void (*FetchProgress)(guint64 done_bytes, guint64 total_bytes, gpointer data);

typedef struct {
  FetchWrite write;
  gpointer target;
  const char *identity;   /* secret key of an encrypted backup, which is decrypted on the way; NULL: as it lies there */
  FetchProgress progress; /* may be NULL */
  gpointer data;
} FetchOptions;

/* Reads the file at `path` ("daily/backup_….dump") of `storage`. What arrives is compared with the size, and with the
 * checksum if it is known (`sha256` NULL: it is not): BACKUP_DAMAGED. Errors: those of storage.h, age.h, and `write`.
 */
gboolean fetch_file(Storage *storage, const char *path, guint64 bytes, const char *sha256, const FetchOptions *options,
                    GCancellable *cancellable, GError **error);

/* A FetchWrite whose target is a pointer to a descriptor. FILE, DISK_FULL. */
gboolean fetch_write_fd(gpointer fd, const guint8 *bytes, gsize size, GError **error);

/* A backup as it lies at a destination. */
typedef struct {
  char *job, *name; /* its folder, and the file in it */
  guint64 bytes;
  gint64 made_s; /* by its manifest, or else its name */
  gboolean is_encrypted, has_manifest;
} FoundBackup;

void found_backup_free(FoundBackup *backup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FoundBackup, found_backup_free)

/* Whether a file's name is a backup's, and not a manifest's or that of a file in the making. */
gboolean fetch_is_backup_name(const char *name);
/* "backup_2026-01-29T10-30-00…" in seconds since 1970; 0 if the name does not say it. */
gint64 fetch_time_of_name(const char *name);

/* All backups in folders of a job's name (NULL: any), newest first: of FoundBackup. */
GPtrArray *fetch_list(Storage *storage, const char *job, GCancellable *cancellable, GError **error);
/* The manifest beside a backup; NULL, without an error, if there is none. MANIFEST. */
gboolean fetch_manifest(Storage *storage, const FoundBackup *backup, Manifest **ret_manifest, GCancellable *cancellable,
                        GError **error);
/* Removes a backup and its manifest. The archive goes first: what a crash leaves is a manifest, which nobody takes for
 * a backup. Errors: those of storage_delete. */
gboolean fetch_delete(Storage *storage, const char *job, const char *name, GCancellable *cancellable, GError **error);
/* The checksum of the file that a manifest describes; NULL if it does not say it. */
const char *fetch_file_sha256(const Manifest *manifest);
