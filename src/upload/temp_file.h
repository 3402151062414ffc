/* Temporary files of uploads: /tmp/database_<purpose>_<timestamp>_<random>.dump, 0600, created with O_EXCL, and locked
 * (flock) while in use, so that a file whose lock can be had belongs to nobody. The timestamp is in milliseconds since
 * the epoch; our random part is 16 hexadecimal digits.
 *
 * A file goes away when its TempFile is freed. What a crash left is swept: at start, and every interval. Of this user's
 * files of that name pattern go: each whose owner is dead (its lock is free), and each not written to for longer than
 * the age limit. A live owner keeps its descriptor, whatever happens to the name. The hub's own uploads have the same
 * names but other random parts and no locks: for them, age alone decides. */
#pragma once

#include <gio/gio.h>

typedef struct TempFile TempFile;

/* `purpose` is made of small letters: "import". */
TempFile *temp_file_create(const char *directory, const char *purpose, GError **error);
int temp_file_fd(const TempFile *file);
/* Appends. */
gboolean temp_file_write(TempFile *file, const guint8 *data, gsize size, GError **error);
const char *temp_file_path(const TempFile *file);
/* Unlinks and closes; NULL is ignored. */
void temp_file_free(TempFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempFile, temp_file_free)

/* The archive out of a file that wraps one (archive/detect/unwrap.h), as a file of its own of at most `max_bytes`.
 * *ret_file is NULL where the file behind fd is not wrapped; then that one is to be read. Errors are those of
 * unwrap_file and of temp_file_create. */
gboolean temp_file_unpack(int fd, const char *directory, guint64 max_bytes, GCancellable *cancellable,
                          TempFile **ret_file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One sweep; returns how many files were removed, with an error set (FILE) only when the directory cannot be read.
 * Never touches another pattern, another user's file, a directory, or a symbolic link. */
guint temp_file_sweep(const char *directory, guint max_age_s, GError **error);

/* A thread that sweeps now and every `interval_s`. Free stops it. */
typedef struct TempFileJanitor TempFileJanitor;
TempFileJanitor *temp_file_janitor_start(const char *directory, guint interval_s, guint max_age_s);
void temp_file_janitor_free(TempFileJanitor *janitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempFileJanitor, temp_file_janitor_free)
