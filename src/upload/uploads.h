/* Kept uploads: archives that arrive in pieces, over several requests and connections, and wait to be previewed or
 * imported. Each has an id of 128 random bits. upload/http implements the protocol (tus).
 *
 * An upload is a file as in temp_file.h, database_upload_<ms>_<id>.dump, mode 0600 and locked, with a small .json
 * beside it for what the file does not show: announced length, name, metadata. The file's size is the number of bytes
 * received, so an interruption loses nothing that was written. A service takes over the uploads of its predecessor when
 * it starts. Other instances in the same directory have their own uploads.
 *
 * An upload is removed when it has not been written to or used for `life_s`, on request, and when its first bytes show
 * that it is not an archive. Limits: the size of one upload, the bytes of all (with announced lengths), and their
 * number.
 *
 * Thread-safe. */
#pragma once

#include "upload/tus.h"
#include "upload/upload_file.h"

#define UPLOADS_MAX_COUNT 32

typedef struct Uploads Uploads;

typedef struct {
  const char *directory;
  guint64 max_bytes; /* per upload */
  guint64 max_total_bytes;
  guint life_s;
  guint stall_s; /* how long a follower waits for more */
} UploadsOptions;

/* Finds existing uploads, and starts a thread that removes expired ones. The directory need not be readable yet: the
 * first upload reports it. */
Uploads *uploads_open(const UploadsOptions *options);
/* Nobody may hold an upload. The files stay. */
void uploads_close(Uploads *uploads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Uploads, uploads_close)

typedef struct {
  char *id;
  char *file_name;
  char *metadata; /* Upload-Metadata as sent; NULL: none */
  gint64 length;  /* -1: unknown */
  guint64 offset; /* bytes received */
  gint64 created_s, expires_s;
  char *problem;    /* the errorCode for a damaged archive; NULL: no known problem */
  gboolean is_held; /* being written or used: does not expire */
} UploadInfo;

void upload_info_free(UploadInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadInfo, upload_info_free)

static inline gboolean
upload_info_is_complete(const UploadInfo *info)
{
  return info->length >= 0 && info->offset == (guint64)info->length;
}

/* UPLOAD_NOT_FOUND, also if it has expired. */
UploadInfo *uploads_find(Uploads *uploads, const char *id, GError **error);
/* All, oldest first: of UploadInfo. */
GPtrArray *uploads_list(Uploads *uploads);
/* UPLOAD_NOT_FOUND; UPLOAD_BUSY while it is held. An incomplete one that is only followed is removed, which its
 * follower learns. */
gboolean uploads_remove(Uploads *uploads, const char *id, GError **error);

/* Whether a file with this name is accepted: an archive, or one in gzip, zstd or ZIP. */
gboolean upload_name_is_archive(const char *file_name);

/* The right to write to an upload or to use it, which one request has at a time; or to follow it, beside one that
 * writes. */
typedef struct UploadHold UploadHold;

/* Creates an upload. `length` -1: stated later. IMPORT_FILE_NAME unless upload_name_is_archive,
 * IMPORT_FILE_TOO_LARGE, UPLOAD_NO_ROOM if too many uploads or bytes are kept, DISK_FULL, FILE. */
UploadHold *uploads_create(Uploads *uploads, const char *file_name, const char *metadata, gint64 length,
                           GError **error);
/* The same for a file that does not come from a client, and so has only the limits of the disk and of the number of
 * uploads. UPLOAD_NO_ROOM, DISK_FULL, FILE. */
UploadHold *uploads_create_own(Uploads *uploads, const char *file_name, guint64 length, GError **error);
/* UPLOAD_NOT_FOUND; UPLOAD_BUSY. A writer that has received nothing for some seconds loses its hold to the next one:
 * its client has probably come back over another connection. */
UploadHold *uploads_hold(Uploads *uploads, const char *id, GError **error);
/* uploads_hold for a complete upload: UPLOAD_INCOMPLETE. It is read, not written, and cannot be lost to another
 * request. */
UploadHold *uploads_use(Uploads *uploads, const char *id, GError **error);
/* The same for an upload that may still be arriving, if its length is known: UPLOAD_INCOMPLETE. Others go on writing to
 * it meanwhile. One request at a time follows an upload. It does not expire. */
UploadHold *uploads_follow(Uploads *uploads, const char *id, GError **error);
/* Waits, for a fraction of a second at most, until the followed upload has more than `position` bytes; `ret_arrived` is
 * what it has. UPLOAD_STALLED if nothing has arrived for `stall_s` of this wait, UPLOAD_DELETED if nothing will, or
 * ARCHIVE_FORMAT by upload_append. */
gboolean upload_wait(UploadHold *hold, guint64 position, guint64 *ret_arrived, GError **error);
/* Releases the hold; the upload stays. NULL is ignored. */
void upload_hold_free(UploadHold *hold);
/* Releases the hold and removes the upload. */
void upload_discard(UploadHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadHold, upload_hold_free)

/* Records why the archive cannot be read, so that it is not offered again. */
void upload_set_problem(UploadHold *hold, const char *error_code);

UploadInfo *upload_info(const UploadHold *hold);
int upload_fd(const UploadHold *hold); /* to read with pread, or to seek */

/* Sets the unknown length. REQUEST_PARAMETER if it is known, or smaller than what has arrived;
 * IMPORT_FILE_TOO_LARGE, UPLOAD_NO_ROOM, DISK_FULL. */
gboolean upload_set_length(UploadHold *hold, guint64 length, GError **error);

/* The bytes from here to upload_verify must have this digest. Otherwise, or if the hold is released before, they are
 * discarded. */
gboolean upload_expect(UploadHold *hold, const TusChecksum *checksum, GError **error);
/* UPLOAD_CHECKSUM. */
gboolean upload_verify(UploadHold *hold, GError **error);

/* Appends to the upload. Bytes written before an error remain valid. ARCHIVE_FORMAT, and then the upload is removed;
 * IMPORT_FILE_TOO_LARGE, REQUEST_TOO_LARGE beyond the announced length, DISK_FULL, FILE, UPLOAD_BUSY if the hold was
 * lost. */
gboolean upload_append(UploadHold *hold, const guint8 *data, gsize size, GError **error);
