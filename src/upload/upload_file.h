/* A kept upload on disk: database_upload_<ms>_<id>.dump, mode 0600 and locked (flock) by the process that serves it,
 * with a sidecar ….json for what the file does not show. Private to uploads.c. */
#pragma once

#include <glib.h>

#define UPLOAD_ID_DIGITS 32

typedef struct {
  char *id;
  char *path, *sidecar_path;
  char *file_name;
  char *metadata; /* NULL: none */
  gint64 length;  /* -1: unknown */
  gint64 created_s;
  int fd;
  char *problem;       /* why it is not a readable archive: an errorCode; NULL: unknown */
  guint64 offset;      /* valid bytes; the file may have more that are not verified yet */
  gboolean has_doubts; /* bytes beyond `offset` must be discarded after a crash */
} UploadFile;

UploadFile *upload_file_create(const char *directory, const char *file_name, const char *metadata, gint64 length,
                               GError **error);
/* Closes; the files stay. NULL is ignored. */
void upload_file_free(UploadFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadFile, upload_file_free)

/* Writes the sidecar atomically. */
gboolean upload_file_save(const UploadFile *file, GError **error);
void upload_file_unlink(const UploadFile *file);

/* Time of the last write or use, in seconds since the epoch. */
gint64 upload_file_last_active_s(const UploadFile *file);
/* Whether that was more than `life_s` ago. */
gboolean upload_file_is_expired(const UploadFile *file, guint life_s);
/* Sets that time to now. */
void upload_file_touch(const UploadFile *file);

/* Takes over all uploads in the directory that nobody serves (UploadFile). Removes damaged ones, and those not
 * active for `life_s`. */
GPtrArray *upload_files_adopt(const char *directory, guint life_s);
/* Removes the remnants of dead instances that were not active for `life_s`. */
void upload_files_sweep(const char *directory, guint life_s);
