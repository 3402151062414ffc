/* The archive that a request sends or names: a file in its form, or a kept upload (upload/uploads.h) named in a form or
 * a JSON object. The other parameters come with it (choices.h). */
#pragma once

#include "archive/read/reader.h"
#include "backup/http/choices.h"
#include "backup/http/context.h"

typedef enum {
  ARCHIVE_TEMPORARY, /* a file in the form is gone when this is freed */
  ARCHIVE_KEPT       /* it becomes an upload, which is kept unless the request says keepUpload=false */
} ArchiveKeeping;

typedef struct HttpArchive HttpArchive;

/* Before the body: REQUEST_MEDIA_TYPE, IMPORT_FILE_TOO_LARGE by what the request announces, DISK_FULL. */
HttpArchive *http_archive_new(HttpRequest *request, const BackupHttp *http, ArchiveKeeping keeping, GError **error);
/* A piece of the body. */
gboolean http_archive_write(HttpArchive *archive, const guint8 *data, gsize size, GError **error);
/* After the body: the freshly opened archive, which must be freed before this. UPLOAD_NOT_FOUND, UPLOAD_INCOMPLETE,
 * UPLOAD_BUSY, IMPORT_FILE_MISSING, ARCHIVE_*, REQUEST_PARAMETER. */
ArchiveReader *http_archive_open(HttpArchive *archive, GError **error);

const HttpChoices *http_archive_choices(const HttpArchive *archive);
/* The upload that will still be there; NULL when none will. */
char *http_archive_upload_id(const HttpArchive *archive);
/* The operation succeeded: an upload goes away when this is freed, unless it is to be kept. */
void http_archive_set_done(HttpArchive *archive);
/* The operation failed: an upload that proved to be damaged, or no archive, is marked. */
void http_archive_set_failed(HttpArchive *archive, const GError *problem);
void http_archive_free(HttpArchive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpArchive, http_archive_free)
