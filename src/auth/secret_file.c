#include "auth/secret_file.h"

#include "base/error.h"
#include "base/os/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define RANDOM_BYTES     32
#define MIN_SECRET_BYTES 16
#define MAX_SECRET_BYTES 512

static char *
make_secret(void)
{
  guint8 random[RANDOM_BYTES];
  randombytes_buf(random, sizeof random);
  gsize size = sodium_base64_encoded_len(sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return sodium_bin2base64(g_malloc(size), size, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Written under another name first, so that a crash leaves no partial secret. */
static gboolean
write_secret(const char *path, const char *secret, GError **error)
{
  g_autofree char *line = g_strconcat(secret, "\n", NULL);
  return g_file_set_contents_full(path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                  error);
}

static char *
read_secret(int fd, const char *path, GError **error)
{
  if (!private_file_check(fd, path, error))
    return NULL;
  char text[MAX_SECRET_BYTES + 1];
  ssize_t n = read(fd, text, sizeof text - 1);
  if (n < 0) {
    error_set_errno(error, errno, "read %s", path);
    return NULL;
  }
  text[n] = '\0';
  g_strstrip(text);
  if (strlen(text) < MIN_SECRET_BYTES) {
    error_set(error, CCH_ERROR_CONFIG, "%s holds no secret; remove it, and one is made", path);
    return NULL;
  }
  return g_strdup(text);
}

char *
secret_file_load(const char *path, gboolean *ret_is_new, GError **error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  int saved_errno = errno;
  g_autofree char *secret = NULL;
  if (fd >= 0) {
    secret = read_secret(fd, path, error);
    close(fd);
    if (secret == NULL)
      return NULL;
  } else if (saved_errno == ENOENT) {
    secret = make_secret();
    if (!write_secret(path, secret, error))
      return NULL;
  } else {
    error_set_errno(error, saved_errno, "open %s", path);
    return NULL;
  }
  if (ret_is_new != NULL)
    *ret_is_new = fd < 0;
  return g_steal_pointer(&secret);
}
