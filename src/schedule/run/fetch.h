/* Brings a stored backup back. */
#pragma once

#include "schedule/catalog/catalog.h"

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
