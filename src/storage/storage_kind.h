/* What a kind of destination does; storage.c does the rest. Private to the room.
 *
 * `store` is what `open` made. Names were checked by storage.c. Errors as in storage.h. */
#pragma once

#include "storage/storage.h"
#include "storage/storage_settings.h"

/* What is put: a regular file or a memfd, read from its start by pread. */
typedef struct {
  int fd;
  guint64 bytes;
  StorageProgress progress; /* NULL: none */
  gpointer data;
} StorageSource;

typedef struct {
  const char *name;
  const StorageSetting *settings; /* up to a nameless one */
  const char *const *secrets;     /* NULL-terminated */
  gpointer (*open)(const StorageOptions *options, GError **error);
  void (*free)(gpointer store);
  char *(*describe)(gpointer store);
  gboolean (*put)(gpointer store, const StorageSource *source, const char *name, GCancellable *cancellable,
                  GError **error);
  StorageStream *(*get)(gpointer store, const char *name, guint64 *ret_bytes, GCancellable *cancellable,
                        GError **error);
  /* Adds files by storage_files_add; others' names may be among them. */
  gboolean (*list)(gpointer store, const char *folder, GPtrArray *files, GCancellable *cancellable, GError **error);
  gboolean (*remove)(gpointer store, const char *name, GCancellable *cancellable, GError **error);
  /* Removes unfinished uploads that no list shows; may be NULL. */
  gboolean (*clean)(gpointer store, guint older_than_s, GCancellable *cancellable, GError **error);
} StorageKind;

extern const StorageKind storage_directory_kind;
extern const StorageKind storage_s3_kind, storage_webdav_kind, storage_sftp_kind, storage_rclone_kind;

/* The depth of folders that a list without a folder visits. */
#define STORAGE_LIST_DEPTH 3
