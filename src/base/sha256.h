/* SHA-256 of a stream. */
#pragma once

#include <gio/gio.h>

#define SHA256_TEXT_BYTES 65 /* 64 hexadecimal digits and a zero */

typedef struct Sha256 Sha256;

Sha256 *sha256_new(void);
void sha256_free(Sha256 *sha256);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sha256, sha256_free)

void sha256_push(Sha256 *sha256, const guint8 *data, gsize size);

/* The hash of everything pushed, in lower case; starts over. */
void sha256_take(Sha256 *sha256, char ret_text[SHA256_TEXT_BYTES]);

/* The hash of the whole file behind the descriptor, read with pread. Errors: FILE, CANCELLED. */
gboolean sha256_of_file(int fd, GCancellable *cancellable, char ret_text[SHA256_TEXT_BYTES], GError **error);
