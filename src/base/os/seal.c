#include "base/os/seal.h"

#include "base/error.h"
#include "base/os/private_file.h"
#include "base/os/write_all.h"
#include "base/random_id.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE         "storage-key"
#define KEY_TEXT_BYTES   (2 * crypto_secretbox_KEYBYTES)
#define VERSION          1
#define SEALED_MIN_BYTES (1 + crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)

struct SealKey {
  guint8 bytes[crypto_secretbox_KEYBYTES];
};

void
seal_key_free(SealKey *key)
{
  if (key == NULL)
    return;
  sodium_memzero(key, sizeof *key);
  g_free(key);
}

static SealKey *
key_read(int fd, const char *path, GError **error)
{
  if (!private_file_check(fd, path, error))
    return NULL;
  char text[KEY_TEXT_BYTES + 2] = "";
  ssize_t n = read(fd, text, sizeof text - 1);
  if (n < 0) {
    error_set_errno(error, errno, "read %s", path);
    return NULL;
  }
  g_strchomp(text);
  g_autoptr(SealKey) key = g_new0(SealKey, 1);
  gsize n_bytes = 0;
  const char *end = NULL;
  int result = sodium_hex2bin(key->bytes, sizeof key->bytes, text, strlen(text), NULL, &n_bytes, &end);
  gboolean is_key = result == 0 && n_bytes == sizeof key->bytes && *end == '\0';
  sodium_memzero(text, sizeof text);
  if (!is_key)
    error_set(error, CCH_ERROR_CONFIG, "%s is not a key of ours (64 hexadecimal digits)", path);
  return is_key ? g_steal_pointer(&key) : NULL;
}

static gboolean
key_write(int fd, const char *path, GError **error)
{
  g_autofree char *digits = random_id_new(crypto_secretbox_KEYBYTES);
  g_autofree char *line = g_strconcat(digits, "\n", NULL);
  gboolean is_written = write_all(fd, line, strlen(line), path, error);
  sodium_memzero(digits, strlen(digits));
  sodium_memzero(line, strlen(line));
  if (is_written && fsync(fd) != 0) {
    error_set_errno(error, errno, "sync %s", path);
    is_written = FALSE;
  }
  return is_written;
}

static gboolean
directory_sync(const char *directory, GError **error)
{
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean is_synced = fd >= 0 && fsync(fd) == 0;
  if (!is_synced)
    error_set_errno(error, errno, "sync %s", directory);
  if (fd >= 0)
    close(fd);
  return is_synced;
}

/* Writes the key aside and links it to its name, which fails if another process was first: nobody ever reads a part of
 * a key, and no key is replaced. */
static gboolean
key_make(const char *directory, const char *path, GError **error)
{
  g_autofree char *id = random_id_new(8);
  g_autofree char *aside = g_strdup_printf("%s.%s", path, id);
  int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    error_set_errno(error, errno, "make %s", aside);
    return FALSE;
  }
  gboolean is_made = key_write(fd, aside, error);
  close(fd);
  if (is_made && link(aside, path) != 0 && errno != EEXIST) {
    error_set_errno(error, errno, "make %s", path);
    is_made = FALSE;
  }
  unlink(aside);
  return is_made && directory_sync(directory, error);
}

SealKey *
seal_key_load(const char *data_directory, gboolean create, GError **error)
{
  g_autofree char *path = g_build_filename(data_directory, KEY_FILE, NULL);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT && create) {
    if (!key_make(data_directory, path, error))
      return NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  }
  if (fd < 0) {
    if (errno == ENOENT)
      error_set(error, CCH_ERROR_SECRET_KEY_LOST, "there is no %s", path);
    else
      error_set_errno(error, errno, "open %s", path);
    return NULL;
  }
  SealKey *key = key_read(fd, path, error);
  close(fd);
  return key;
}

GBytes *
seal(const SealKey *key, const char *text)
{
  gsize n_text = strlen(text);
  g_return_val_if_fail(n_text <= SEAL_MAX_TEXT_BYTES, NULL);
  gsize size = SEALED_MIN_BYTES + n_text;
  guint8 *sealed = g_malloc(size);
  sealed[0] = VERSION;
  guint8 *nonce = sealed + 1;
  randombytes_buf(nonce, crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(nonce + crypto_secretbox_NONCEBYTES, (const guint8 *)text, n_text, nonce, key->bytes);
  return g_bytes_new_take(sealed, size);
}

char *
seal_open(const SealKey *key, GBytes *sealed, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data(sealed, &size);
  if (size >= SEALED_MIN_BYTES && size <= SEALED_MIN_BYTES + SEAL_MAX_TEXT_BYTES && bytes[0] == VERSION) {
    gsize n_text = size - SEALED_MIN_BYTES;
    g_autofree char *text = g_malloc0(n_text + 1);
    const guint8 *nonce = bytes + 1;
    const guint8 *box = nonce + crypto_secretbox_NONCEBYTES;
    if (crypto_secretbox_open_easy((guint8 *)text, box, n_text + crypto_secretbox_MACBYTES, nonce, key->bytes) == 0)
      return g_steal_pointer(&text);
  }
  error_set(error, CCH_ERROR_SECRET_KEY_LOST, "a secret cannot be opened with the key in " KEY_FILE);
  return NULL;
}
