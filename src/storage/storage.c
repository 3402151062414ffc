#include "storage/storage.h"

#include "base/error.h"
#include "base/os/write_all.h"
#include "base/random_id.h"
#include "storage/storage_kind.h"
#include "storage/storage_names.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_BYTES 4096

static const StorageKind *const kinds[] = {&storage_directory_kind, &storage_s3_kind, &storage_webdav_kind,
                                           &storage_sftp_kind, &storage_rclone_kind};

struct Storage {
  const StorageKind *kind;
  gpointer store;
};

static const StorageKind *
kind_find(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_strcmp0(kinds[i]->name, name) == 0)
      return kinds[i];
  return NULL;
}

Storage *
storage_open(const StorageOptions *options, GError **error)
{
  const StorageKind *kind = kind_find(options->kind);
  if (kind == NULL) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "the kind must be one of directory, s3, webdav, sftp, rclone");
    return NULL;
  }
  if (!storage_settings_check(options->settings, kind->settings, error) ||
      !storage_secrets_check(options->secrets, kind->secrets, error))
    return NULL;
  gpointer store = kind->open(options, error);
  if (store == NULL)
    return NULL;
  Storage *storage = g_new(Storage, 1);
  *storage = (Storage){.kind = kind, .store = store};
  return storage;
}

void
storage_free(Storage *storage)
{
  if (storage == NULL)
    return;
  storage->kind->free(storage->store);
  g_free(storage);
}

char *
storage_describe(const Storage *storage)
{
  return storage->kind->describe(storage->store);
}

static gboolean
name_check(const char *name, GError **error)
{
  if (name != NULL && storage_name_is_ours(name))
    return TRUE;
  g_autofree char *shown = text_visible(name != NULL ? name : "");
  error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%.300s is not a name of a backup", shown);
  return FALSE;
}

static gboolean
folder_check(const char *folder, GError **error)
{
  if (folder == NULL || storage_name_is_valid(folder))
    return TRUE;
  g_autofree char *shown = text_visible(folder);
  error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%.300s is not a name of a folder", shown);
  return FALSE;
}

static gint
file_compare(gconstpointer a, gconstpointer b)
{
  const StorageFile *const *left = a, *const *right = b;
  return strcmp((*left)->name, (*right)->name);
}

GPtrArray *
storage_list(Storage *storage, const char *folder, GCancellable *cancellable, GError **error)
{
  if (!folder_check(folder, error) || error_if_cancelled(cancellable, error))
    return NULL;
  g_autoptr(GPtrArray) files = storage_files_new();
  if (!storage->kind->list(storage->store, folder, files, cancellable, error))
    return NULL;
  g_ptr_array_sort(files, file_compare);
  return g_steal_pointer(&files);
}

/* Takes the descriptor. */
static gboolean
put_fd(Storage *storage, int fd, const char *name, StorageProgress progress, gpointer data, GCancellable *cancellable,
       GError **error)
{
  struct stat info;
  gboolean is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  if (!is_file)
    error_set(error, CCH_ERROR_FILE, "the source of %s is not a regular file", name);
  StorageSource source = {.fd = fd, .bytes = is_file ? (guint64)info.st_size : 0, .progress = progress, .data = data};
  gboolean is_put = is_file && !error_if_cancelled(cancellable, error) &&
                    storage->kind->put(storage->store, &source, name, cancellable, error);
  close(fd);
  return is_put;
}

gboolean
storage_put(Storage *storage, const char *local_path, const char *name, StorageProgress progress, gpointer data,
            GCancellable *cancellable, GError **error)
{
  if (!name_check(name, error))
    return FALSE;
  int fd = open(local_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    error_set_errno(error, errno, "open %s", local_path);
    return FALSE;
  }
  return put_fd(storage, fd, name, progress, data, cancellable, error);
}

gboolean
storage_put_bytes(Storage *storage, GBytes *bytes, const char *name, GCancellable *cancellable, GError **error)
{
  if (!name_check(name, error))
    return FALSE;
  gsize size;
  gconstpointer data = g_bytes_get_data(bytes, &size);
  int fd = memory_file_new(name, data, size, error);
  return fd >= 0 && put_fd(storage, fd, name, NULL, NULL, cancellable, error);
}

StorageStream *
storage_get(Storage *storage, const char *name, guint64 *ret_bytes, GCancellable *cancellable, GError **error)
{
  guint64 n_bytes = 0;
  if (!name_check(name, error) || error_if_cancelled(cancellable, error))
    return NULL;
  StorageStream *stream = storage->kind->get(storage->store, name, &n_bytes, cancellable, error);
  if (stream != NULL && ret_bytes != NULL)
    *ret_bytes = n_bytes;
  return stream;
}

GBytes *
storage_get_bytes(Storage *storage, const char *name, gsize max_bytes, GCancellable *cancellable, GError **error)
{
  guint64 size = 0;
  g_autoptr(StorageStream) stream = storage_get(storage, name, &size, cancellable, error);
  if (stream == NULL)
    return NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  for (gssize n = 1; n > 0 && size <= max_bytes;) {
    guint8 piece[16 * 1024];
    n = storage_stream_read(stream, piece, sizeof piece, cancellable, error);
    if (n < 0)
      return NULL;
    g_byte_array_append(bytes, piece, (guint)n);
    size = MAX(size, bytes->len);
  }
  if (size > max_bytes) {
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s is larger than %zu bytes", name, max_bytes);
    return NULL;
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

gboolean
storage_delete(Storage *storage, const char *name, GCancellable *cancellable, GError **error)
{
  return name_check(name, error) && !error_if_cancelled(cancellable, error) &&
         storage->kind->remove(storage->store, name, cancellable, error);
}

gboolean
storage_clean(Storage *storage, const char *folder, guint older_than_s, guint *ret_removed, GCancellable *cancellable,
              GError **error)
{
  g_autoptr(GPtrArray) files = storage_list(storage, folder, cancellable, error);
  if (files == NULL)
    return FALSE;
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autoptr(GError) first = NULL; /* the others are removed all the same */
  guint n_removed = 0;
  for (guint i = 0; i < files->len; i++) {
    const StorageFile *file = files->pdata[i];
    if (!g_str_has_suffix(file->name, STORAGE_PARTIAL_SUFFIX) || file->modified_s == 0 ||
        now_s - file->modified_s < older_than_s)
      continue;
    if (storage_delete(storage, file->name, cancellable, first == NULL ? &first : NULL))
      n_removed++;
  }
  if (storage->kind->clean != NULL && first == NULL)
    storage->kind->clean(storage->store, older_than_s, cancellable, &first);
  if (ret_removed != NULL)
    *ret_removed = n_removed;
  if (first == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&first));
  return FALSE;
}

const char *
storage_test_step_name(StorageTestStep step)
{
  static const char *const names[] = {"write", "read", "compare", "delete"};
  return names[step];
}

gboolean
storage_test(Storage *storage, StorageTestStep *ret_failed_at, GCancellable *cancellable, GError **error)
{
  guint8 random[TEST_BYTES];
  randombytes_buf(random, sizeof random);
  g_autoptr(GBytes) bytes = g_bytes_new(random, sizeof random);
  g_autofree char *id = random_id_new(8);
  g_autofree char *name = g_strdup_printf("backup_test_%s" STORAGE_PARTIAL_SUFFIX, id); /* storage_clean finds it */
  StorageTestStep step = STORAGE_TEST_WRITE;
  g_autoptr(GError) failure = NULL;
  if (storage_put_bytes(storage, bytes, name, cancellable, &failure)) {
    step = STORAGE_TEST_READ;
    g_autoptr(GBytes) read = storage_get_bytes(storage, name, 2 * TEST_BYTES, cancellable, &failure);
    if (read != NULL && !g_bytes_equal(read, bytes)) {
      step = STORAGE_TEST_COMPARE;
      error_set(&failure, CCH_ERROR_STORAGE_DAMAGED, "what was read back differs from what was written");
    }
    /* Also after a failed read; a cancelled test may still clean up. */
    GCancellable *until_deleted = g_cancellable_is_cancelled(cancellable) ? NULL : cancellable;
    g_autoptr(GError) left = NULL;
    if (!storage_delete(storage, name, until_deleted, &left) && failure == NULL) {
      step = STORAGE_TEST_DELETE;
      failure = g_steal_pointer(&left);
    }
  }
  if (failure == NULL)
    return TRUE;
  if (ret_failed_at != NULL)
    *ret_failed_at = step;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}
