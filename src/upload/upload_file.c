#include "upload/upload_file.h"

#include "base/error.h"
#include "base/json.h"
#include "base/os/write_all.h"
#include "base/random_id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX       "database_upload_"
#define FILE_SUFFIX       ".dump"
#define SIDECAR_SUFFIX    ".json"
#define NEW_SUFFIX        ".json.new"
#define MAX_SIDECAR_BYTES (16 * 1024)

enum { CREATE_ATTEMPTS = 16 };

/* `stem` is the name without the suffix. */
static UploadFile *
new_file(const char *directory, const char *stem, int fd)
{
  UploadFile *file = g_new0(UploadFile, 1);
  file->id = g_strdup(stem + strlen(stem) - UPLOAD_ID_DIGITS);
  file->path = g_strdup_printf("%s/%s" FILE_SUFFIX, directory, stem);
  file->sidecar_path = g_strdup_printf("%s/%s" SIDECAR_SUFFIX, directory, stem);
  file->length = -1;
  file->fd = fd;
  return file;
}

void
upload_file_free(UploadFile *file)
{
  if (file == NULL)
    return;
  close(file->fd);
  g_free(file->id);
  g_free(file->path);
  g_free(file->sidecar_path);
  g_free(file->file_name);
  g_free(file->metadata);
  g_free(file->problem);
  g_free(file);
}

void
upload_file_unlink(const UploadFile *file)
{
  unlink(file->path);
  unlink(file->sidecar_path);
}

/* FALSE if a sweep was quicker: it holds the lock, or has removed the file. */
static gboolean
lock_file(int fd)
{
  struct stat info;
  return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &info) == 0 && info.st_nlink > 0;
}

static UploadFile *
create_locked(const char *directory, GError **error)
{
  for (int attempt = 0; attempt < CREATE_ATTEMPTS; attempt++) {
    g_autofree char *id = random_id_new(UPLOAD_ID_DIGITS / 2);
    g_autofree char *stem = g_strdup_printf(NAME_PREFIX "%" G_GINT64_FORMAT "_%s", g_get_real_time() / 1000, id);
    g_autofree char *path = g_strdup_printf("%s/%s" FILE_SUFFIX, directory, stem);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno != EEXIST) {
      error_set_errno(error, errno, "create a file in %s", directory);
      return NULL;
    }
    if (fd >= 0 && lock_file(fd))
      return new_file(directory, stem, fd);
    if (fd >= 0) {
      unlink(path);
      close(fd);
    }
  }
  error_set(error, CCH_ERROR_FILE, "create a file in %s: it cannot be locked", directory);
  return NULL;
}

UploadFile *
upload_file_create(const char *directory, const char *file_name, const char *metadata, gint64 length, GError **error)
{
  g_autoptr(UploadFile) file = create_locked(directory, error);
  if (file == NULL)
    return NULL;
  file->file_name = g_strdup(file_name);
  file->metadata = g_strdup(metadata);
  file->length = length;
  file->created_s = g_get_real_time() / G_USEC_PER_SEC;
  if (upload_file_save(file, error))
    return g_steal_pointer(&file);
  upload_file_unlink(file);
  return NULL;
}

static gboolean
write_new(const char *path, const char *text, GError **error)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    error_set_errno(error, errno, "create %s", path);
    return FALSE;
  }
  gboolean is_written = write_all(fd, text, strlen(text), path, error);
  close(fd);
  return is_written;
}

gboolean
upload_file_save(const UploadFile *file, GError **error)
{
  g_autoptr(json_t) object =
      json_pack("{s:s, s:s*, s:s*, s:I, s:I, s:I}", "fileName", file->file_name, "metadata", file->metadata, "problem",
                file->problem, "length", (json_int_t)file->length, "createdAt", (json_int_t)file->created_s,
                "verifiedBytes", file->has_doubts ? (json_int_t)file->offset : (json_int_t)-1);
  g_autofree char *text = json_to_text(object);
  if (text == NULL) {
    error_set(error, CCH_ERROR_INTERNAL, "the upload's description is not UTF-8");
    return FALSE;
  }
  g_autofree char *new_path = g_strconcat(file->sidecar_path, ".new", NULL);
  gboolean is_saved = write_new(new_path, text, error);
  if (is_saved && rename(new_path, file->sidecar_path) != 0) {
    error_set_errno(error, errno, "rename %s", new_path);
    is_saved = FALSE;
  }
  if (!is_saved)
    unlink(new_path);
  return is_saved;
}

/* FALSE for anything that upload_file_save did not write. */
static gboolean
parse_sidecar(UploadFile *file, const json_t *object)
{
  const json_t *length = json_object_get(object, "length"), *created = json_object_get(object, "createdAt");
  const json_t *verified = json_object_get(object, "verifiedBytes");
  const char *name = json_string_value(json_object_get(object, "fileName"));
  struct stat info;
  if (name == NULL || !json_is_integer(length) || !json_is_integer(created) || !json_is_integer(verified) ||
      fstat(file->fd, &info) != 0)
    return FALSE;
  file->file_name = g_strdup(name);
  file->metadata = g_strdup(json_string_value(json_object_get(object, "metadata")));
  file->problem = g_strdup(json_string_value(json_object_get(object, "problem")));
  file->length = json_integer_value(length);
  file->created_s = json_integer_value(created);
  file->offset = (guint64)info.st_size;
  gint64 verified_bytes = json_integer_value(verified);
  if (verified_bytes >= 0 && verified_bytes < info.st_size) {
    file->offset = (guint64)verified_bytes;
    if (ftruncate(file->fd, verified_bytes) != 0)
      return FALSE;
  }
  return file->length < 0 || file->offset <= (guint64)file->length;
}

static gboolean
load_sidecar(UploadFile *file)
{
  int fd = open(file->sidecar_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return FALSE;
  g_autofree char *text = g_malloc(MAX_SIDECAR_BYTES);
  gssize size = read(fd, text, MAX_SIDECAR_BYTES);
  close(fd);
  json_t *object = size > 0 ? json_loadb(text, (gsize)size, 0, NULL) : NULL;
  gboolean is_good = json_is_object(object) && parse_sidecar(file, object);
  json_decref(object);
  return is_good;
}

gint64
upload_file_last_active_s(const UploadFile *file)
{
  struct stat info;
  return fstat(file->fd, &info) == 0 ? (gint64)info.st_mtim.tv_sec : 0;
}

void
upload_file_touch(const UploadFile *file)
{
  futimens(file->fd, NULL);
}

/* The name without its suffix for database_upload_<digits>_<32 hexadecimal digits><suffix>, or NULL. */
static char *
match_name(const char *name, const char *suffix)
{
  if (!g_str_has_prefix(name, NAME_PREFIX) || !g_str_has_suffix(name, suffix))
    return NULL;
  const char *digits = name + strlen(NAME_PREFIX);
  gsize n_digits = strspn(digits, "0123456789");
  const char *id = digits + n_digits + 1;
  if (n_digits == 0 || digits[n_digits] != '_' || strspn(id, "0123456789abcdef") != UPLOAD_ID_DIGITS ||
      strcmp(id + UPLOAD_ID_DIGITS, suffix) != 0)
    return NULL;
  return g_strndup(name, strlen(name) - strlen(suffix));
}

/* Opens and locks a file that nobody serves; NULL if somebody does, or it is not ours. */
static UploadFile *
open_abandoned(const char *directory, const char *stem)
{
  g_autofree char *path = g_strdup_printf("%s/%s" FILE_SUFFIX, directory, stem);
  int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && lock_file(fd))
    return new_file(directory, stem, fd);
  close(fd);
  return NULL;
}

gboolean
upload_file_is_expired(const UploadFile *file, guint life_s)
{
  /* Seconds are cut off: one that is just reached may still be a moment away. */
  return upload_file_last_active_s(file) + life_s < g_get_real_time() / G_USEC_PER_SEC;
}

/* The names with this suffix in the directory, without the suffix. */
static GPtrArray *
list_stems(const char *directory, const char *suffix)
{
  GPtrArray *stems = g_ptr_array_new_with_free_func(g_free);
  DIR *listing = opendir(directory); /* with O_CLOEXEC */
  if (listing == NULL)
    return stems;
  for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
    char *stem = match_name(entry->d_name, suffix);
    if (stem != NULL)
      g_ptr_array_add(stems, stem);
  }
  closedir(listing);
  return stems;
}

GPtrArray *
upload_files_adopt(const char *directory, guint life_s)
{
  GPtrArray *adopted = g_ptr_array_new_with_free_func((GDestroyNotify)upload_file_free);
  g_autoptr(GPtrArray) stems = list_stems(directory, FILE_SUFFIX);
  for (guint i = 0; i < stems->len; i++) {
    g_autoptr(UploadFile) file = open_abandoned(directory, g_ptr_array_index(stems, i));
    if (file == NULL)
      continue;
    if (!upload_file_is_expired(file, life_s) && load_sidecar(file))
      g_ptr_array_add(adopted, g_steal_pointer(&file));
    else
      upload_file_unlink(file);
  }
  return adopted;
}

/* A sidecar is written after its file and removed after it: a single one is a remnant. */
static void
sweep_sidecars(const char *directory, const char *suffix)
{
  g_autoptr(GPtrArray) stems = list_stems(directory, suffix);
  for (guint i = 0; i < stems->len; i++) {
    const char *stem = g_ptr_array_index(stems, i);
    g_autofree char *path = g_strdup_printf("%s/%s" FILE_SUFFIX, directory, stem);
    g_autofree char *sidecar_path = g_strdup_printf("%s/%s%s", directory, stem, suffix);
    if (access(path, F_OK) != 0 && errno == ENOENT)
      unlink(sidecar_path);
  }
}

void
upload_files_sweep(const char *directory, guint life_s)
{
  g_autoptr(GPtrArray) stems = list_stems(directory, FILE_SUFFIX);
  for (guint i = 0; i < stems->len; i++) {
    g_autoptr(UploadFile) file = open_abandoned(directory, g_ptr_array_index(stems, i));
    if (file != NULL && upload_file_is_expired(file, life_s))
      upload_file_unlink(file);
  }
  sweep_sidecars(directory, SIDECAR_SUFFIX);
  sweep_sidecars(directory, NEW_SUFFIX);
}
