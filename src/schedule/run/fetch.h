/* Brings a stored backup back into a file. */
#pragma once

#include "schedule/catalog/catalog.h"

typedef void (*FetchProgress)(guint64 done_bytes, guint64 total_bytes, gpointer data);

typedef struct {
  const char
      *identity; /* secret key of an encrypted backup, which is decrypted on the way; NULL: the file as it lies */
  FetchProgress progress; /* may be NULL */
  gpointer data;
} FetchOptions;

/* Writes the file at `path` ("daily/backup_….dump") of `storage` to `fd`, from its position on. What arrives is
 * compared with the size, and with the checksum if it is known (`sha256` NULL: it is not): BACKUP_DAMAGED. Errors:
 * those of storage.h and age.h, FILE, DISK_FULL. */
gboolean fetch_file(Storage *storage, const char *path, guint64 bytes, const char *sha256, const FetchOptions *options,
                    int fd, GCancellable *cancellable, GError **error);
