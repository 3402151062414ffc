/* Parses the headers of the tus protocol (resumable uploads, version 1.0.0) strictly and with limits. Every function
 * fails with REQUEST_PARAMETER, naming the header. */
#pragma once

#include <glib.h>

#define TUS_VERSION             "1.0.0"
#define TUS_EXTENSIONS          "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"
#define TUS_CHECKSUM_ALGORITHMS "sha256,sha1"

#define TUS_MAX_METADATA_BYTES 4096
#define TUS_MAX_METADATA_PAIRS 16
#define TUS_MAX_FILE_NAME      255

/* The number in a header such as Upload-Offset: decimal digits only. `header` is for the error message. */
gboolean tus_parse_count(const char *header, const char *text, guint64 *ret_count, GError **error);

/* Upload-Metadata: "key base64,key base64,…". Checks the whole header and returns the value of `filename`, UTF-8
 * without control characters; NULL without an error if there is none. */
char *tus_parse_file_name(const char *metadata, GError **error);

/* Upload-Checksum: "sha256 base64". The digest is as long as the algorithm's. */
typedef struct {
  GChecksumType type;
  guint8 digest[32];
  gsize size;
} TusChecksum;

gboolean tus_parse_checksum(const char *text, TusChecksum *ret_checksum, GError **error);
