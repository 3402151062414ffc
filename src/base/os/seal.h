/* Seals small secrets (passwords of destinations, tokens of channels) with a key in the data directory, so that a copy
 * of the database does not contain them.
 *
 * The key is the file `storage-key`: 64 hexadecimal digits, mode 0600, made once and never replaced. Who loses it
 * enters the secrets again. A sealed secret is a version byte (1), a random nonce, and libsodium's secretbox. */
#pragma once

#include <glib.h>

#define SEAL_MAX_TEXT_BYTES (64 * 1024)

typedef struct SealKey SealKey;

/* Reads the key. Without the file: makes it if `create`, otherwise SECRET_KEY_LOST. Of several processes that make it
 * at once all get the same one. CONFIG if others may read the file or it holds no key; FILE, DISK_FULL. */
SealKey *seal_key_load(const char *data_directory, gboolean create, GError **error);
void seal_key_free(SealKey *key); /* overwrites it; NULL is ignored */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealKey, seal_key_free)

/* The sealed text, different each time. The text has at most SEAL_MAX_TEXT_BYTES. */
GBytes *seal(const SealKey *key, const char *text);

/* The text; free with g_free. SECRET_KEY_LOST if it was not sealed with this key, or was changed. */
char *seal_open(const SealKey *key, GBytes *sealed, GError **error);
