/* Uploads that are kept: archives that arrive in pieces, over several requests and connections, and then wait to be
 * previewed or imported. Each has an id of 128 random bits. upload/http speaks the protocol of the pieces (tus).
 *
 * An upload is a file like those of temp_file.h, database_upload_<ms>_<id>.dump, 0600 and locked, and beside it a small
 * .json with what the file does not show: announced length, name, metadata. How much has arrived is the file's size, so
 * whatever breaks off keeps what was written; a service that starts finds the uploads of the one before it and goes on
 * with them. Other instances in the same directory have their own.
 *
 * An upload goes away when it was not written to or used for `life_s`, when it is removed, and when it proves to be no
 * archive by its first bytes. Bounded: the size of one, the bytes of all (announced ones count), and their number.
 *
 * Thread-safe. */
#pragma once

#include "upload/tus.h"
#include "upload/upload_file.h"

#define UPLOADS_MAX_COUNT 32

typedef struct Uploads Uploads;

typedef struct {
  const char *directory;
  guint64 max_bytes; /* of one */
  guint64 max_total_bytes;
  guint life_s;
} UploadsOptions;

/* Finds the uploads that are there, and starts a thread that removes what has expired. The directory need not be
 * readable yet: the first upload reports it. */
Uploads *uploads_open(const UploadsOptions *options);
/* Nobody may hold an upload any more. The files stay. */
void uploads_close(Uploads *uploads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Uploads, uploads_close)

typedef struct {
  char *id;
  char *file_name;
  char *metadata; /* Upload-Metadata as it was sent; NULL: none */
  gint64 length;  /* -1: not known yet */
  guint64 offset; /* bytes that have arrived */
  gint64 created_s, expires_s;
  char *problem;    /* the errorCode of what is wrong with the archive; NULL: nothing is known */
  gboolean is_held; /* being written or used now: does not expire */
} UploadInfo;

void upload_info_free(UploadInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadInfo, upload_info_free)

static inline gboolean
upload_info_is_complete(const UploadInfo *info)
{
  return info->length >= 0 && info->offset == (guint64)info->length;
}

/* UPLOAD_NOT_FOUND, also when it has expired. */
UploadInfo *uploads_find(Uploads *uploads, const char *id, GError **error);
/* All, oldest first: of UploadInfo. */
GPtrArray *uploads_list(Uploads *uploads);
/* UPLOAD_NOT_FOUND; UPLOAD_BUSY while somebody holds it. */
gboolean uploads_remove(Uploads *uploads, const char *id, GError **error);

/* Whether a file of this name is taken: an archive, or one in gzip, zstd or ZIP. */
gboolean upload_name_is_archive(const char *file_name);

/* The right to write to an upload or to use it, which one request has at a time. */
typedef struct UploadHold UploadHold;

/* A new one. `length` -1: to be told later. IMPORT_FILE_NAME unless
 * upload_name_is_archive, IMPORT_FILE_TOO_LARGE, UPLOAD_NO_ROOM when too many or too much is kept, DISK_FULL, FILE. */
UploadHold *uploads_create(Uploads *uploads, const char *file_name, const char *metadata, gint64 length,
                           GError **error);
/* UPLOAD_NOT_FOUND; UPLOAD_BUSY. A writer that has had nothing to write for some seconds loses its hold to the next
 * one: its client is gone, and has come back over another connection. */
UploadHold *uploads_hold(Uploads *uploads, const char *id, GError **error);
/* As above, for an upload that is complete: UPLOAD_INCOMPLETE. It is used, not written, and not lost to anyone. */
UploadHold *uploads_use(Uploads *uploads, const char *id, GError **error);
/* Lets go; the upload stays. NULL is ignored. */
void upload_hold_free(UploadHold *hold);
/* Lets go, and the upload goes away. */
void upload_discard(UploadHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadHold, upload_hold_free)

/* Notes why the archive cannot be read, so that it is not offered again. */
void upload_set_problem(UploadHold *hold, const char *error_code);

UploadInfo *upload_info(const UploadHold *hold);
int upload_fd(const UploadHold *hold); /* to read with pread, or to seek */

/* Tells the length that was not known. REQUEST_PARAMETER when it was, or is less than what has arrived;
 * IMPORT_FILE_TOO_LARGE, UPLOAD_NO_ROOM, DISK_FULL. */
gboolean upload_set_length(UploadHold *hold, guint64 length, GError **error);

/* The bytes from here to upload_verify count only if they have this digest: they are thrown away otherwise, and when
 * the hold is let go before. */
gboolean upload_expect(UploadHold *hold, const TusChecksum *checksum, GError **error);
/* UPLOAD_CHECKSUM. */
gboolean upload_verify(UploadHold *hold, GError **error);

/* Adds to the end. What was written before an error counts. ARCHIVE_FORMAT, and then the upload is gone;
 * IMPORT_FILE_TOO_LARGE, REQUEST_TOO_LARGE beyond the announced length, DISK_FULL, FILE, UPLOAD_BUSY when the hold was
 * lost. */
gboolean upload_append(UploadHold *hold, const guint8 *data, gsize size, GError **error);
