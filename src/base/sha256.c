#include "base/sha256.h"

#include "base/error.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#define DIGEST_BYTES 32
#define BUFFER_BYTES (256 * 1024)

struct Sha256 {
  EVP_MD_CTX *context;
};

/* Fails only without memory, or if OpenSSL is configured without SHA-256. */
static void
must_succeed(int result)
{
  if (result != 1)
    g_error("OpenSSL cannot compute SHA-256");
}

Sha256 *
sha256_new(void)
{
  Sha256 *sha256 = g_new(Sha256, 1);
  sha256->context = EVP_MD_CTX_new();
  must_succeed(sha256->context != NULL && EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL));
  return sha256;
}

void
sha256_free(Sha256 *sha256)
{
  if (sha256 == NULL)
    return;
  EVP_MD_CTX_free(sha256->context);
  g_free(sha256);
}

void
sha256_push(Sha256 *sha256, const guint8 *data, gsize size)
{
  must_succeed(EVP_DigestUpdate(sha256->context, data, size));
}

void
sha256_take(Sha256 *sha256, char ret_text[SHA256_TEXT_BYTES])
{
  guint8 digest[EVP_MAX_MD_SIZE];
  must_succeed(EVP_DigestFinal_ex(sha256->context, digest, NULL));
  must_succeed(EVP_DigestInit_ex(sha256->context, NULL, NULL));
  for (gsize i = 0; i < DIGEST_BYTES; i++) {
    ret_text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    ret_text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  ret_text[2 * DIGEST_BYTES] = '\0';
}

gboolean
sha256_of_file(int fd, GCancellable *cancellable, char ret_text[SHA256_TEXT_BYTES], GError **error)
{
  g_autoptr(Sha256) sha256 = sha256_new();
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  guint64 position = 0;
  for (;;) {
    if (g_cancellable_set_error_if_cancelled(cancellable, error))
      return FALSE;
    ssize_t n = pread(fd, buffer, BUFFER_BYTES, (off_t)position);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "read the file");
      return FALSE;
    }
    if (n == 0)
      break;
    sha256_push(sha256, buffer, (gsize)n);
    position += (guint64)n;
  }
  sha256_take(sha256, ret_text);
  return TRUE;
}
