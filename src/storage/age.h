/* Encryption to public keys by the program age: this server can write what it cannot read.
 *
 * A recipient is a native public key (age1…, 62 characters) or an SSH key line (ssh-ed25519, ssh-rsa). An identity is
 * the secret to it: lines of AGE-SECRET-KEY-1… with # comments, or an SSH private key without a passphrase. Identities
 * reach age through a descriptor, never through a file or argument. Without age installed: STORAGE_TOOL_MISSING. */
#pragma once

#include "storage/stream.h"

#include <gio/gio.h>

#define AGE_MAX_RECIPIENTS     20
#define AGE_MAX_IDENTITY_BYTES (64 * 1024)

/* Makes a pair; free both with g_free, the secret after overwriting it. */
gboolean age_keygen(char **ret_secret, char **ret_public, GError **error);
/* The public key of a native secret key; free with g_free. AGE_WRONG_KEY if it is none. */
char *age_public_key(const char *secret, GError **error);
/* AGE_RECIPIENT if the text is no public key; asks age. */
gboolean age_recipient_check(const char *text, GError **error);

typedef struct AgeEncryption AgeEncryption;

/* Starts to encrypt into `out_fd`, which stays the caller's and may be closed at once. The calling thread must outlive
 * it. `recipients` is NULL-terminated. */
AgeEncryption *age_encrypt_start(const char *const *recipients, int out_fd, GError **error);
/* Writes all bytes; STORAGE_FAILED with age's reason if it has ended, or takes nothing for minutes. */
gboolean age_encrypt_write(AgeEncryption *encryption, gconstpointer data, gsize size, GCancellable *cancellable,
                           GError **error);
/* Ends the input and waits until everything is written. DISK_FULL, STORAGE_FAILED. */
gboolean age_encrypt_finish(AgeEncryption *encryption, GCancellable *cancellable, GError **error);
void age_encrypt_free(AgeEncryption *encryption); /* ends age if it still runs; NULL is ignored */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgeEncryption, age_encrypt_free)

/* The plain bytes of an encrypted stream, which it takes (also on failure). AGE_NO_KEY without an identity; while
 * reading: AGE_WRONG_KEY, STORAGE_DAMAGED, and the source's own errors. The calling thread must outlive it. */
StorageStream *age_decrypt(StorageStream *source, const char *identity, GError **error);
