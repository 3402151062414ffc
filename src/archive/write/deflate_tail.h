/* Turns a finished deflate stream into one that another stream can follow.
 *
 * libdeflate marks the last block of everything it compresses as final. The position of that block is not stored: it
 * is found by decoding the symbols without their meaning. */
#pragma once

#include <glib.h>

#define DEFLATE_TAIL_MAX_BYTES 5

/* Tables (128 KB), reused by one thread. */
typedef struct DeflateTail DeflateTail;

DeflateTail *deflate_tail_new(void);
void deflate_tail_free(DeflateTail *tail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeflateTail, deflate_tail_free)

/* `data` is one complete stream of `*size` bytes (RFC 1951) in a buffer of `capacity`, which has at least
 * DEFLATE_TAIL_MAX_BYTES more. Clears the final mark of its last block and ends it at a byte boundary with an empty
 * stored block, as zlib's full flush does. FALSE, with unchanged data, if it is not such a stream. */
gboolean deflate_tail_reopen(DeflateTail *tail, guint8 *data, gsize *size, gsize capacity);
