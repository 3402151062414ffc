/* The kinds that rclone carries. */
#include "base/error.h"
#include "storage/rclone_run.h"
#include "storage/rclone_stream.h"
#include "storage/storage_kind.h"
#include "storage/storage_names.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SHORT_LIMIT_S       120
#define LIST_LIMIT_S        900
#define MOVE_LIMIT_S        900
#define ABANDONED_UPLOADS_S 86400
#define COMPARE_BYTES       (256 * 1024)

static void
store_free(gpointer store)
{
  rclone_free(store);
}

static char *
store_describe(gpointer store)
{
  const Rclone *rclone = store;
  return g_strdup(rclone->config->description);
}

static char *
path_of(const Rclone *rclone, const char *name)
{
  return g_strconcat(rclone->config->root, name, NULL);
}

static gboolean
collect_line(char *line, gpointer data, GError **error)
{
  g_string_append(data, line);
  g_string_append_c(data, '\n');
  return TRUE;
}

/* What a destination says of one file. */
typedef struct {
  gboolean is_there;
  guint64 bytes;
  GChecksumType hash_type;
  char *hash; /* NULL: it knows none that we know */
} FileState;

static void
file_state_clear(FileState *state)
{
  g_free(state->hash);
  *state = (FileState){0};
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FileState, file_state_clear)

static gboolean
file_state_parse(const char *text, FileState *state, GError **error)
{
  static const struct {
    const char *name;
    GChecksumType type;
  } hashes[] = {{"sha256", G_CHECKSUM_SHA256}, {"sha1", G_CHECKSUM_SHA1}, {"md5", G_CHECKSUM_MD5}};
  g_autoptr(json_t) item = json_loads(text, 0, NULL);
  const json_t *size = json_object_get(item, "Size"), *given = json_object_get(item, "Hashes");
  if (json_is_true(json_object_get(item, "IsDir"))) /* S3 says so of everything that it does not have */
    return TRUE;
  if (!json_is_integer(size) || json_integer_value(size) < 0) {
    error_set(error, CCH_ERROR_STORAGE_FAILED, "rclone: what lies there is not a file of known size");
    return FALSE;
  }
  state->is_there = TRUE;
  state->bytes = (guint64)json_integer_value(size);
  for (guint i = 0; i < G_N_ELEMENTS(hashes) && state->hash == NULL; i++) {
    const char *hash = json_string_value(json_object_get(given, hashes[i].name));
    if (hash != NULL && *hash != '\0') {
      state->hash = g_ascii_strdown(hash, -1);
      state->hash_type = hashes[i].type;
    }
  }
  return TRUE;
}

/* A missing file is not an error; `ret_state` tells. */
static gboolean
file_state_ask(Rclone *rclone, const char *name, gboolean with_hash, guint64 expected_bytes, FileState *ret_state,
               GCancellable *cancellable, GError **error)
{
  g_autofree char *path = path_of(rclone, name);
  const char *const args[] = {"lsjson", "--stat", "--no-mimetype", "--retries", "2", path, with_hash ? "--hash" : NULL,
                              NULL};
  g_autoptr(GString) output = g_string_new(NULL);
  const RcloneRun run = {.args = args,
                         .limit_s =
                             SHORT_LIMIT_S + (guint)(with_hash ? expected_bytes / RCLONE_SLOWEST_HASH_BYTES_S : 0),
                         .line = collect_line,
                         .line_data = output};
  int exit_code = 0;
  g_autoptr(GError) failure = NULL;
  if (rclone_run(rclone, &run, &exit_code, cancellable, &failure))
    return file_state_parse(output->str, ret_state, error);
  gboolean is_missing = exit_code == RCLONE_EXIT_NO_FOLDER || exit_code == RCLONE_EXIT_NO_FILE;
  if (!is_missing || error_code(failure) != CCH_ERROR_STORAGE_MISSING ||
      strstr(failure->message, "NoSuchBucket") != NULL) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  *ret_state = (FileState){0};
  return TRUE;
}

static char *
source_hash(const StorageSource *source, GChecksumType type, GCancellable *cancellable, GError **error)
{
  g_autoptr(GChecksum) checksum = g_checksum_new(type);
  g_autofree guint8 *piece = g_malloc(COMPARE_BYTES);
  for (guint64 done = 0; done < source->bytes;) {
    ssize_t n = pread(source->fd, piece, COMPARE_BYTES, (off_t)done);
    if (n <= 0 || error_if_cancelled(cancellable, error)) {
      if (n <= 0)
        error_set_errno(error, n < 0 ? errno : EIO, "read the file to store");
      return NULL;
    }
    g_checksum_update(checksum, piece, n);
    done += (guint64)n;
  }
  return g_strdup(g_checksum_get_string(checksum));
}

/* Downloads the file and compares it with the source. */
static gboolean
compare_content(Rclone *rclone, const char *name, const StorageSource *source, gboolean *ret_is_same,
                GCancellable *cancellable, GError **error)
{
  g_autoptr(StorageStream) stream = rclone_stream_open(rclone, name, source->bytes);
  g_autofree guint8 *there = g_malloc(COMPARE_BYTES), *here = g_malloc(COMPARE_BYTES);
  guint64 done = 0;
  *ret_is_same = TRUE;
  for (gssize n = 1; n > 0 && *ret_is_same; done += (guint64)n) {
    n = storage_stream_read(stream, there, COMPARE_BYTES, cancellable, error);
    if (n < 0)
      return FALSE;
    for (gssize got = 0, more; got < n && *ret_is_same; got += more) {
      more = pread(source->fd, here + got, (gsize)(n - got), (off_t)done + got);
      *ret_is_same = more > 0 && memcmp(here + got, there + got, (gsize)more) == 0;
    }
  }
  return TRUE;
}

/* The file that lies there is the source, or not. */
static gboolean
compare_with(Rclone *rclone, const char *name, const FileState *state, const StorageSource *source,
             gboolean *ret_is_same, GCancellable *cancellable, GError **error)
{
  *ret_is_same = FALSE;
  if (!state->is_there || state->bytes != source->bytes)
    return TRUE;
  if (state->hash == NULL)
    return compare_content(rclone, name, source, ret_is_same, cancellable, error);
  g_autofree char *hash = source_hash(source, state->hash_type, cancellable, error);
  *ret_is_same = g_strcmp0(hash, state->hash) == 0;
  return hash != NULL;
}

static gboolean
delete_file(Rclone *rclone, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = path_of(rclone, name);
  const char *const args[] = {"deletefile", "--retries", "2", path, NULL};
  const RcloneRun run = {.args = args, .limit_s = SHORT_LIMIT_S};
  g_autoptr(GError) failure = NULL;
  if (rclone_run(rclone, &run, NULL, cancellable, &failure))
    return TRUE;
  g_auto(FileState) state = {0};
  gboolean is_gone = error_code(failure) != CCH_ERROR_CANCELLED &&
                     error_code(failure) != CCH_ERROR_STORAGE_TOOL_MISSING &&
                     file_state_ask(rclone, name, FALSE, 0, &state, cancellable, NULL) && !state.is_there;
  if (!is_gone)
    g_propagate_error(error, g_steal_pointer(&failure));
  return is_gone;
}

/* Sends the source to `name`. */
static gboolean
upload(Rclone *rclone, const StorageSource *source, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = path_of(rclone, name);
  /* The child's standard input is the source; a path opens it anew. */
  const char *const args[] = {"copyto", "--copy-links",   "--no-check-dest", "--retries", "2", "--stats",
                              "1s",     "--ignore-times", "/proc/self/fd/0", path,        NULL};
  const RcloneRun run = {.args = args,
                         .stdin_fd = source->fd,
                         .progress = source->progress,
                         .progress_data = source->data,
                         .total_bytes = source->bytes};
  int exit_code = 0;
  g_autoptr(GError) failure = NULL;
  if (rclone_run(rclone, &run, &exit_code, cancellable, &failure))
    return TRUE;
  if (exit_code == RCLONE_EXIT_NO_FILE && error_code(failure) == CCH_ERROR_STORAGE_MISSING)
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s: the destination accepted it, and does not have it", name);
  else
    g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static gboolean
move_file(Rclone *rclone, const char *from, const char *to, GCancellable *cancellable, GError **error)
{
  g_autofree char *from_path = path_of(rclone, from), *to_path = path_of(rclone, to);
  const char *const args[] = {"moveto", "--no-check-dest", "--ignore-times", "--retries",
                              "1",      from_path,         to_path,          NULL};
  const RcloneRun run = {.args = args, .limit_s = MOVE_LIMIT_S};
  return rclone_run(rclone, &run, NULL, cancellable, error);
}

/* A failed request may have been done all the same: a gateway's timeout after the body, a broken line after a move. So
 * what lies there decides, and the failure only where it is not the source. */
static gboolean
settle(Rclone *rclone, const char *name, const StorageSource *source, GError *failure, GCancellable *cancellable,
       GError **error)
{
  g_auto(FileState) state = {0};
  gboolean is_same = FALSE;
  g_autoptr(GError) doubt = NULL;
  ErrorCode code = failure != NULL ? error_code(failure) : CCH_ERROR_STORAGE_FAILED;
  gboolean may_be_there =
      code == CCH_ERROR_STORAGE_AWAY || code == CCH_ERROR_STORAGE_FAILED || code == CCH_ERROR_STORAGE_DAMAGED;
  if (!may_be_there) {
    g_propagate_error(error, g_error_copy(failure));
    return FALSE;
  }
  if (file_state_ask(rclone, name, TRUE, source->bytes, &state, cancellable, &doubt) &&
      compare_with(rclone, name, &state, source, &is_same, cancellable, &doubt) && is_same)
    return TRUE;
  if (failure != NULL)
    g_propagate_error(error, g_error_copy(failure));
  else if (doubt != NULL)
    g_propagate_error(error, g_steal_pointer(&doubt));
  else if (!state.is_there)
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s: the destination accepted it, and does not have it", name);
  else if (state.bytes != source->bytes)
    error_set(error, CCH_ERROR_STORAGE_DAMAGED,
              "%s: the destination has %" G_GUINT64_FORMAT " bytes of %" G_GUINT64_FORMAT, name, state.bytes,
              source->bytes);
  else
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s: its content at the destination differs", name);
  return FALSE;
}

/* Uploads and compares. What is not the source is deleted, even when we are cancelled. */
static gboolean
upload_and_compare(Rclone *rclone, const StorageSource *source, const char *name, GCancellable *cancellable,
                   GError **error)
{
  g_autoptr(GError) failure = NULL;
  gboolean is_uploaded = upload(rclone, source, name, cancellable, &failure);
  if (settle(rclone, name, source, is_uploaded ? NULL : failure, cancellable, error))
    return TRUE;
  delete_file(rclone, name, NULL, NULL);
  return FALSE;
}

static gboolean
put_aside_and_move(Rclone *rclone, const StorageSource *source, const char *name, GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *partial = storage_partial_name(name);
  if (!upload_and_compare(rclone, source, partial, cancellable, error))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  g_auto(FileState) state = {0};
  gboolean is_moved = move_file(rclone, partial, name, cancellable, &failure);
  if (is_moved && file_state_ask(rclone, name, FALSE, 0, &state, cancellable, &failure) && state.is_there &&
      state.bytes == source->bytes)
    return TRUE;
  if (settle(rclone, name, source, is_moved ? NULL : failure, cancellable, error))
    return TRUE;
  delete_file(rclone, partial, NULL, NULL);
  return FALSE;
}

/* Whether files appear under their names only when they are complete and a move would copy them. */
static gboolean
ask_features(Rclone *rclone, GCancellable *cancellable, GError **error)
{
  if (rclone->config->is_atomic >= 0)
    return TRUE;
  const char *const args[] = {"backend", "features", rclone->config->root, NULL};
  g_autoptr(GString) output = g_string_new(NULL);
  const RcloneRun run = {.args = args, .limit_s = SHORT_LIMIT_S, .line = collect_line, .line_data = output};
  if (!rclone_run(rclone, &run, NULL, cancellable, error))
    return FALSE;
  g_autoptr(json_t) answer = json_loads(output->str, 0, NULL);
  const json_t *features = json_object_get(answer, "Features");
  rclone->config->is_atomic =
      json_is_true(json_object_get(features, "BucketBased")) || !json_is_true(json_object_get(features, "Move"));
  return TRUE;
}

static gboolean
store_put(gpointer store, const StorageSource *source, const char *name, GCancellable *cancellable, GError **error)
{
  Rclone *rclone = store;
  g_auto(FileState) state = {0};
  if (!ask_features(rclone, cancellable, error) ||
      !file_state_ask(rclone, name, TRUE, source->bytes, &state, cancellable, error))
    return FALSE;
  gboolean is_put = FALSE;
  if (state.is_there) {
    if (!compare_with(rclone, name, &state, source, &is_put, cancellable, error))
      return FALSE;
    if (!is_put)
      error_set(error, CCH_ERROR_STORAGE_EXISTS, "%s", name);
  } else if (rclone->config->is_atomic)
    is_put = upload_and_compare(rclone, source, name, cancellable, error);
  else
    is_put = put_aside_and_move(rclone, source, name, cancellable, error);
  if (is_put && source->progress != NULL)
    source->progress(source->bytes, source->bytes, source->data);
  return is_put;
}

static StorageStream *
store_get(gpointer store, const char *name, guint64 *ret_bytes, GCancellable *cancellable, GError **error)
{
  g_auto(FileState) state = {0};
  if (!file_state_ask(store, name, FALSE, 0, &state, cancellable, error))
    return NULL;
  if (!state.is_there) {
    error_set(error, CCH_ERROR_STORAGE_MISSING, "%s", name);
    return NULL;
  }
  *ret_bytes = state.bytes;
  return rclone_stream_open(store, name, state.bytes);
}

typedef struct {
  GPtrArray *files;
  const char *prefix;
} Listing;

/* An array with one object a line. */
static gboolean
take_item(char *line, gpointer data, GError **error)
{
  const Listing *listing = data;
  gsize length = strlen(g_strchomp(line));
  if (length > 0 && line[length - 1] == ',')
    line[length - 1] = '\0';
  if (line[0] != '{')
    return TRUE;
  g_autoptr(json_t) item = json_loads(line, 0, NULL);
  const char *path = json_string_value(json_object_get(item, "Path"));
  const char *time = json_string_value(json_object_get(item, "ModTime"));
  const json_t *size = json_object_get(item, "Size");
  if (path == NULL || !json_is_integer(size) || json_integer_value(size) < 0)
    return TRUE; /* not of a form that a backup has */
  g_autoptr(GDateTime) modified = time != NULL ? g_date_time_new_from_iso8601(time, NULL) : NULL;
  g_autofree char *name = g_strconcat(listing->prefix, path, NULL);
  return storage_files_add(listing->files, name, (guint64)json_integer_value(size),
                           modified != NULL ? g_date_time_to_unix(modified) : 0, error);
}

static gboolean
store_list(gpointer store, const char *folder, GPtrArray *files, GCancellable *cancellable, GError **error)
{
  Rclone *rclone = store;
  g_autofree char *prefix = folder != NULL ? g_strconcat(folder, "/", NULL) : g_strdup("");
  g_autofree char *path = path_of(rclone, prefix);
  g_autofree char *depth = g_strdup_printf("%d", folder != NULL ? 1 : STORAGE_LIST_DEPTH);
  const char *const args[] = {"lsjson",    "--files-only", "--no-mimetype", "--use-server-modtime", "--retries", "1",
                              "--include", "backup_*",     "--recursive",   "--max-depth",          depth,       path,
                              NULL};
  Listing listing = {.files = files, .prefix = prefix};
  const RcloneRun run = {.args = args, .limit_s = LIST_LIMIT_S, .line = take_item, .line_data = &listing};
  int exit_code = 0;
  g_autoptr(GError) failure = NULL;
  if (rclone_run(rclone, &run, &exit_code, cancellable, &failure))
    return TRUE;
  /* A folder that has not been made yet. A bucket must be there. */
  if (exit_code == RCLONE_EXIT_NO_FOLDER && rclone->config->is_atomic != TRUE)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static gboolean
store_remove(gpointer store, const char *name, GCancellable *cancellable, GError **error)
{
  return delete_file(store, name, cancellable, error);
}

/* Parts of uploads that nobody finished cost money, and no list shows them. Younger ones may be in use. Not every S3
 * server can tell them, so a failure says nothing. */
static gboolean
s3_clean(gpointer store, guint older_than_s, GCancellable *cancellable, GError **error)
{
  Rclone *rclone = store;
  if (!rclone->config->has_prefix)
    return TRUE; /* others may use the bucket */
  g_autofree char *age = g_strdup_printf("max-age=%us", MAX(older_than_s, ABANDONED_UPLOADS_S));
  const char *const args[] = {"backend", "cleanup", "-o", age, rclone->config->root, NULL};
  const RcloneRun run = {.args = args, .limit_s = SHORT_LIMIT_S};
  rclone_run(rclone, &run, NULL, cancellable, NULL);
  return !error_if_cancelled(cancellable, error);
}

/* Takes the configuration; NULL stays NULL. */
static gpointer
store_new(const StorageOptions *options, RcloneConfig *config)
{
  return config != NULL ? rclone_new(config, options->bandwidth_bytes_s) : NULL;
}

static gpointer
s3_open(const StorageOptions *options, GError **error)
{
  return store_new(options, rclone_s3_config(options->settings, options->secrets, error));
}

static gpointer
webdav_open(const StorageOptions *options, GError **error)
{
  return store_new(options, rclone_webdav_config(options->settings, options->secrets, error));
}

static gpointer
sftp_open(const StorageOptions *options, GError **error)
{
  return store_new(options, rclone_sftp_config(options->settings, options->secrets, error));
}

static gpointer
remote_open(const StorageOptions *options, GError **error)
{
  return store_new(options, rclone_remote_config(options->settings, options->secrets, error));
}

#define RCLONE_KIND(kind)                                                                                              \
  .settings = rclone_##kind##_settings, .secrets = rclone_##kind##_secrets, .open = kind##_open, .free = store_free,   \
  .describe = store_describe, .put = store_put, .get = store_get, .list = store_list, .remove = store_remove

const StorageKind storage_s3_kind = {.name = "s3", .clean = s3_clean, RCLONE_KIND(s3)};
const StorageKind storage_webdav_kind = {.name = "webdav", RCLONE_KIND(webdav)};
const StorageKind storage_sftp_kind = {.name = "sftp", RCLONE_KIND(sftp)};
const StorageKind storage_rclone_kind = {.name = "rclone", RCLONE_KIND(remote)};
