/* The data of one TOC entry: what is known of its block, and the functions that receive what is read of it. */
#pragma once

#include <glib.h>

/* What is known of an entry's data block. */
typedef struct {
  gboolean is_present;
  guint64 position;     /* of the block in the file, */
  guint64 end_position; /* and of the byte behind it */
  guint64 stored_bytes; /* as in the file; without framing, unless a scan believed the stated offsets */
  gboolean is_counted;  /* the rest is known: the block was checked, or read to its end */
  guint64 data_bytes;   /* decompressed */
  guint64 rows;         /* lines of COPY text before the end marker; large objects: their number; SQL (--inserts): 0 */
} ArchiveDataInfo;

/* bytes_done of bytes_total (the file's size) have been read. Called about once a megabyte, and at the end. */
typedef void (*ArchiveProgressFunc)(guint64 bytes_done, guint64 bytes_total, gpointer user_data);

/* Receives decompressed bytes. FALSE with an error set stops the reading. */
typedef gboolean (*ArchiveSinkFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

/* Called at the start of each large object; the object's bytes follow through the sink. */
typedef gboolean (*ArchiveLargeObjectFunc)(guint32 oid, gpointer user_data, GError **error);
