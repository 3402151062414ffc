/* A file that gets its name only when it is complete and on the disk; "-" is standard output. */
#pragma once

#include <glib.h>

typedef struct OutputFile OutputFile;

/* USAGE if `path` exists and `replace` is not set. Changes nothing before the commit. */
OutputFile *output_file_create(const char *path, gboolean replace, GError **error);
gboolean output_file_write(OutputFile *file, const guint8 *data, gsize size, GError **error);
/* For writing at any position of the file, and for reading it, before the commit; -1 for standard output. */
int output_file_descriptor(const OutputFile *file);
gboolean output_file_commit(OutputFile *file, GError **error);
/* Without a commit, leaves nothing behind. */
void output_file_free(OutputFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OutputFile, output_file_free)
