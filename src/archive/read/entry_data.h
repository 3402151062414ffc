/* The data block of a TOC entry, and the callbacks that receive its contents. */
#pragma once

#include <glib.h>

/* Facts about an entry's data block. */
typedef struct {
  gboolean is_present;
  guint64 position;     /* of the block in the file */
  guint64 end_position; /* of the first byte after it */
  guint64 stored_bytes; /* as in the file; without framing, unless a scan used the stated offsets */
  gboolean is_counted;  /* the counts below are valid: the block was checked, or read to its end */
  guint64 data_bytes;   /* decompressed */
  guint64 rows;         /* lines of COPY text before the end marker; number of large objects; 0 for SQL (--inserts) */
} ArchiveDataInfo;

/* Reports that bytes_done of bytes_total (the file's size) have been read. Called about once per megabyte, and at
 * the end. */
typedef void (*ArchiveProgressFunc)(guint64 bytes_done, guint64 bytes_total, gpointer user_data);

/* Receives decompressed bytes. FALSE with an error set stops the reading. */
typedef gboolean (*ArchiveSinkFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

/* Called at the start of each large object; its bytes follow through the sink. */
typedef gboolean (*ArchiveLargeObjectFunc)(guint32 oid, gpointer user_data, GError **error);
