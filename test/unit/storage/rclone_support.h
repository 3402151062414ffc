/* Destinations of rclone for tests: servers, a file to put there, and what is expected of it. */
#pragma once

#include "base/error.h"
#include "base/os/child.h"
#include "storage/storage.h"

#define FILE_BYTES 1200000
#define NAME       "daily/backup_2026-01-29T10-30-00.dump"

extern char *rclone_directory; /* of this test */
extern char *rclone_local;     /* a file of FILE_BYTES in it */

int make_directory(void **state);
int remove_directory(void **state);

guint free_port(void);
/* The program, listening on the port. Freed, it ends. */
ChildProcess *serve(guint port, const char *const *argv);
/* A folder of the test's; free with g_free. */
char *make_folder(const char *name);

/* Takes the objects. */
Storage *open_storage(const char *kind, json_t *settings, json_t *secrets, guint64 bandwidth_bytes_s);
/* User "me". */
Storage *open_webdav(guint port, const char *path, const char *password, guint64 bandwidth_bytes_s);

/* The call failed with this code, and its message has no "top-secret"; clears the error. */
void assert_fails(gboolean result, GError **error, ErrorCode code);
void assert_ok(gboolean result, GError **error);

/* Reads NAME; the number of bytes, which are those of the file, or -1 with an error. */
gssize read_back(Storage *storage, GError **error);
GPtrArray *list_all(Storage *storage);
void assert_empty(Storage *storage);
