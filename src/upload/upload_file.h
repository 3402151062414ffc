/* A kept upload on disk: database_upload_<ms>_<id>.dump, 0600 and locked (flock) by whoever serves it, and beside it
 * ….json with what the file does not show. Private to uploads.c. */
#pragma once

#include <glib.h>

#define UPLOAD_ID_DIGITS 32

typedef struct {
  char *id;
  char *path, *sidecar_path;
  char *file_name;
  char *metadata; /* NULL: none */
  gint64 length;  /* -1: not known */
  gint64 created_s;
  int fd;
  char *problem;       /* why it is no archive that can be read: an errorCode; NULL: nothing is known */
  guint64 offset;      /* bytes that count; the file may have more, not verified yet */
  gboolean has_doubts; /* what is behind `offset` is to be thrown away after a crash */
} UploadFile;

UploadFile *upload_file_create(const char *directory, const char *file_name, const char *metadata, gint64 length,
                               GError **error);
/* Closes; the files stay. NULL is ignored. */
void upload_file_free(UploadFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadFile, upload_file_free)

/* Writes the sidecar, whole or not at all. */
gboolean upload_file_save(const UploadFile *file, GError **error);
void upload_file_unlink(const UploadFile *file);

/* The time of the last write or use, in seconds since the epoch. */
gint64 upload_file_last_active_s(const UploadFile *file);
/* Sets that time to now. */
void upload_file_touch(const UploadFile *file);

/* All uploads in the directory that nobody serves: of UploadFile, now ours. What is damaged, and what was not active
 * for `life_s`, is removed instead. */
GPtrArray *upload_files_adopt(const char *directory, guint life_s);
/* Removes what dead instances left behind, once it was not active for `life_s`. */
void upload_files_sweep(const char *directory, guint life_s);
