/* Temporary files of uploads: /tmp/database_<purpose>_<timestamp>_<random>.dump, 0600, created with O_EXCL, and locked
 * (flock) while in use, so that a file whose lock can be had belongs to nobody.
 *
 * A file goes away when its TempFile is freed. What a crash left is swept: at start, and every interval, each file of that
 * name pattern whose owner is dead (its lock is free), or that is older than the age limit. */
#pragma once

#include <glib.h>

typedef struct TempFile TempFile;

TempFile *temp_file_create(const char *directory, const char *purpose, GError **error);
int temp_file_fd(const TempFile *file);
const char *temp_file_path(const TempFile *file);
/* Unlinks and closes; NULL is ignored. */
void temp_file_free(TempFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempFile, temp_file_free)

/* DISK_FULL when the directory's file system has less than `size_bytes` free. */
gboolean temp_file_check_space(const char *directory, guint64 size_bytes, GError **error);

/* One sweep; returns how many files were removed. Never touches another pattern, a directory, or a symbolic link. */
guint temp_file_sweep(const char *directory, guint max_age_s, GError **error);

/* A thread that sweeps now and every `interval_s`. Free stops it. */
typedef struct TempFileJanitor TempFileJanitor;
TempFileJanitor *temp_file_janitor_start(const char *directory, guint interval_s, guint max_age_s);
void temp_file_janitor_free(TempFileJanitor *janitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempFileJanitor, temp_file_janitor_free)
