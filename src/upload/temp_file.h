/* Temporary files of uploads: /tmp/database_<purpose>_<timestamp>_<random>.dump, mode 0600, created with O_EXCL and
 * locked (flock) while in use. A file that can be locked therefore belongs to nobody. The timestamp is in milliseconds
 * since the epoch; our random part is 16 hexadecimal digits.
 *
 * A file is removed when its TempFile is freed. Sweeps, at start and every interval, remove files that a crash left
 * behind: of this user's files with such names, those whose owner is dead (the lock is free), and those not written
 * to for longer than the age limit. A live owner keeps its descriptor, whatever happens to the name. The hub's own
 * uploads have similar names with other random parts, and no locks: for them, only the age counts. */
#pragma once

#include <gio/gio.h>

typedef struct TempFile TempFile;

/* `purpose` consists of lowercase letters: "import". */
TempFile *temp_file_create(const char *directory, const char *purpose, GError **error);
int temp_file_fd(const TempFile *file);
/* Appends to the file. */
gboolean temp_file_write(TempFile *file, const guint8 *data, gsize size, GError **error);
const char *temp_file_path(const TempFile *file);
/* Unlinks and closes; NULL is ignored. */
void temp_file_free(TempFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempFile, temp_file_free)

/* Unpacks a wrapped archive (archive/detect/unwrap.h) to a new temporary file of at most `max_bytes`. *ret_file is
 * NULL if the file behind fd is not wrapped; then read that one. Errors are those of unwrap_file and
 * temp_file_create. */
gboolean temp_file_unpack(int fd, const char *directory, guint64 max_bytes, GCancellable *cancellable,
                          TempFile **ret_file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sweeps once; returns the number of removed files, with an error set (FILE) only if the directory cannot be read.
 * Never touches other names, another user's files, directories, or symbolic links. */
guint temp_file_sweep(const char *directory, guint max_age_s, GError **error);

/* A thread that sweeps at once and then every `interval_s`. Free stops it. */
typedef struct TempFileJanitor TempFileJanitor;
TempFileJanitor *temp_file_janitor_start(const char *directory, guint interval_s, guint max_age_s);
void temp_file_janitor_free(TempFileJanitor *janitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempFileJanitor, temp_file_janitor_free)
