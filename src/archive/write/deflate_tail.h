/* Turns a finished deflate stream into one that another stream can follow.
 *
 * libdeflate marks the last block of all that it compresses as final. Where that block begins and ends is not written
 * anywhere: it is found by decoding the symbols, without their meaning. */
#pragma once

#include <glib.h>

#define DEFLATE_TAIL_MAX_BYTES 5

/* Room for tables (128 KB), to be used again and again by one thread. */
typedef struct DeflateTail DeflateTail;

DeflateTail *deflate_tail_new(void);
void deflate_tail_free(DeflateTail *tail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeflateTail, deflate_tail_free)

/* `data` is one whole stream of `*size` bytes (RFC 1951) in a buffer of `capacity`, DEFLATE_TAIL_MAX_BYTES more at
 * least. Clears the final mark of its last block and ends it at a byte by an empty stored block, as zlib's full flush
 * does. FALSE, and the data is as it was, if it is not such a stream. */
gboolean deflate_tail_reopen(DeflateTail *tail, guint8 *data, gsize *size, gsize capacity);
