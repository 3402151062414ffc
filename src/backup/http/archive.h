/* The archive that a request sends or names: a file in its form, or a kept upload (upload/uploads.h) named in a form
 * or a JSON object. The request's other parameters are in choices.h. */
#pragma once

#include "archive/read/reader.h"
#include "backup/http/choices.h"
#include "backup/http/context.h"

typedef enum {
  ARCHIVE_TEMPORARY, /* a file in the form is removed when this is freed */
  ARCHIVE_KEPT       /* it becomes a kept upload, unless the request says keepUpload=false */
} ArchiveKeeping;

typedef struct HttpArchive HttpArchive;

/* Called before the body. Errors: REQUEST_MEDIA_TYPE, IMPORT_FILE_TOO_LARGE by the announced length, DISK_FULL. */
HttpArchive *http_archive_new(HttpRequest *request, const BackupHttp *http, ArchiveKeeping keeping, GError **error);
/* Takes a piece of the body. */
gboolean http_archive_write(HttpArchive *archive, const guint8 *data, gsize size, GError **error);
/* Called after the body: takes the file or the named upload. Errors: UPLOAD_NOT_FOUND, UPLOAD_INCOMPLETE, UPLOAD_BUSY,
 * IMPORT_FILE_MISSING, REQUEST_PARAMETER. */
gboolean http_archive_take(HttpArchive *archive, GError **error);
/* The upload that is still arriving, as whileUploading allows; NULL if all is here. Opening the archive then takes as
 * long as its table of contents takes to arrive, or, if it is wrapped, as the whole upload. */
UploadHold *http_archive_arriving(const HttpArchive *archive);
/* Has `func` called by whoever reads the archive while it waits for more of it, and once when the wait is over. */
void http_archive_watch_waits(HttpArchive *archive, void (*func)(gboolean is_waiting, gpointer data), gpointer data);
/* Returns the freshly opened archive, which must be freed before this. Errors: ARCHIVE_*, REQUEST_PARAMETER, those of
 * upload_wait, and those of http_archive_take if that was not called. */
ArchiveReader *http_archive_open(HttpArchive *archive, GError **error);

const HttpChoices *http_archive_choices(const HttpArchive *archive);
/* The id of the upload that will remain; NULL if none will. */
char *http_archive_upload_id(const HttpArchive *archive);
/* Marks success: an upload is removed when this is freed, unless it is to be kept. */
void http_archive_set_done(HttpArchive *archive);
/* Marks failure: an upload that turned out to be damaged, or to be no archive, is marked as such. */
void http_archive_set_failed(HttpArchive *archive, const GError *problem);
void http_archive_free(HttpArchive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpArchive, http_archive_free)
