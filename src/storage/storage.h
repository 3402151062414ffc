/* Destinations of backups: a directory, or anything that rclone reaches (S3, WebDAV, SFTP, a remote of the operator's
 * own configuration).
 *
 * A name is "folder/backup_2026-01-29T10-30-00.dump", relative to the destination: one to four parts of printable
 * UTF-8, none of them "." or "..", none longer than 200 bytes. Files of other names than `backup_…` are neither listed
 * nor touched. A Storage serves one thread at a time. A call through rclone ends by its result, when its GCancellable
 * is cancelled, or when the other side has been silent for too long. A call on a directory ends as its file system
 * answers: a hard-mounted NFS whose server is away holds it, and its thread, until the server is back. rclone runs as a
 * child of the calling thread, with its configuration and secrets in its environment, and dies with that thread.
 *
 * Errors: STORAGE_AWAY (no connection, or a temporary failure: try again later), STORAGE_REFUSED (credentials, rights,
 * host key, certificate), STORAGE_FULL, STORAGE_MISSING, STORAGE_EXISTS, STORAGE_LOCKED, STORAGE_DAMAGED,
 * STORAGE_TOOL_MISSING, STORAGE_FAILED, CANCELLED; FILE for local files. Their messages have the reason in the words of
 * the other side, and no secret. */
#pragma once

#include "base/json.h"
#include "storage/stream.h"

#include <gio/gio.h>

typedef struct Storage Storage;

typedef struct {
  const char *kind;              /* "directory", "s3", "webdav", "sftp", "rclone" */
  const json_t *settings;        /* an object without secrets, see docs/backups.md; NULL: none */
  const json_t *secrets;         /* an object; NULL: none */
  const char *default_directory; /* of the kind "directory" without a path; made when it is first written to */
  guint64 bandwidth_bytes_s;     /* limit of uploads and downloads; 0: none */
} StorageOptions;

/* Checks all settings and secrets; touches neither disk nor network. STORAGE_SETTINGS. */
Storage *storage_open(const StorageOptions *options, GError **error);
void storage_free(Storage *storage); /* NULL is ignored */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Storage, storage_free)

/* Kind, settings and secrets of a destination as a command line names it:
 *
 *   /path  file:///path                              a directory
 *   s3://BUCKET/prefix?endpoint=…&region=…&path_style=true&provider=…    keys: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; AWS_ENDPOINT_URL and AWS_REGION where not given
 *   webdav://USER@host:port/path  webdavs://…        password: WEBDAV_PASSWORD
 *   sftp://USER@host:port/path?key=FILE&known_hosts=FILE     password: SFTP_PASSWORD; ~/.ssh/known_hosts if not given
 *   rclone:REMOTE:path                               rclone's own configuration
 *
 * `ret_kind` is a constant. The outputs are new objects. STORAGE_SETTINGS, also for a password in the URL. */
gboolean storage_settings_from_url(const char *url, const char **ret_kind, json_t **ret_settings, json_t **ret_secrets,
                                   GError **error);

/* The destination as a URL without secrets, for people; free with g_free. */
char *storage_describe(const Storage *storage);

/* Bytes that have been carried so far; called on the calling thread, about once a second. */
typedef void (*StorageProgress)(guint64 done_bytes, guint64 total_bytes, gpointer data);

/* Puts a local file, which must not change any more, even afterwards (in the same file system it is linked). It is
 * written as "NAME.<random>.partial", synced where we can, compared in size and checksum, and then moved to its name;
 * where the other side shows no checksum it is read back. S3 shows an object under its name when it is complete; there
 * it is compared afterwards, and deleted if it differs. A file of that name with the same content is success; another
 * one is STORAGE_EXISTS. `progress` may be NULL. */
gboolean storage_put(Storage *storage, const char *local_path, const char *name, StorageProgress progress,
                     gpointer data, GCancellable *cancellable, GError **error);
gboolean storage_put_bytes(Storage *storage, GBytes *bytes, const char *name, GCancellable *cancellable,
                           GError **error);

/* The content of a file, and its size. A download that breaks off is taken up where it broke. The stream is freed
 * before the storage. */
StorageStream *storage_get(Storage *storage, const char *name, guint64 *ret_bytes, GCancellable *cancellable,
                           GError **error);
/* A small file as a whole; STORAGE_DAMAGED if it has more than `max_bytes`. */
GBytes *storage_get_bytes(Storage *storage, const char *name, gsize max_bytes, GCancellable *cancellable,
                          GError **error);

typedef struct {
  char *name;
  guint64 bytes;
  gint64 modified_s; /* Unix time by the destination's clock; 0: unknown */
} StorageFile;

#define STORAGE_LIST_MAX 100000

/* The files `backup_…` of a folder, or of all folders to a depth of three (NULL), sorted by name, the partial ones
 * included; a folder that does not exist is empty. STORAGE_FAILED if there are more than STORAGE_LIST_MAX. */
GPtrArray *storage_list(Storage *storage, const char *folder, GCancellable *cancellable, GError **error);

/* A missing file is success. STORAGE_LOCKED if the destination keeps the file for a time (Object Lock, immutable). */
gboolean storage_delete(Storage *storage, const char *name, GCancellable *cancellable, GError **error);

/* Removes what interrupted uploads and tests have left (`backup_….partial`) in the folder (NULL: all) and is older than
 * `older_than_s`, but nothing of unknown age; on S3 with a prefix also unfinished uploads of parts under it. FALSE if
 * something could not be removed; `ret_removed` (may be NULL) counts the others. */
gboolean storage_clean(Storage *storage, const char *folder, guint older_than_s, guint *ret_removed,
                       GCancellable *cancellable, GError **error);

typedef enum {
  STORAGE_TEST_WRITE,
  STORAGE_TEST_READ,
  STORAGE_TEST_COMPARE,
  STORAGE_TEST_DELETE,
} StorageTestStep;

/* "write", "read", "compare", "delete" */
const char *storage_test_step_name(StorageTestStep step);

/* Writes a small file of a random name, reads it back, compares and deletes it. On failure `ret_failed_at` has the step
 * that failed. */
gboolean storage_test(Storage *storage, StorageTestStep *ret_failed_at, GCancellable *cancellable, GError **error);
