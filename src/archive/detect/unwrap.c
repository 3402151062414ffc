#include "archive/detect/unwrap.h"

#include "archive/detect/foreign.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BUFFER_BYTES = 256 * 1024, ZSTD_WINDOW_LOG = 27 };

/* Enough of the inner file to identify it, including a tar header. */
enum { INNER_HEAD_BYTES = 4096, SHOWN_BYTES = 24 };

/* windowBits of zlib's inflateInit2. */
enum { WINDOW_GZIP = 15 + 16, WINDOW_RAW = -15 };

typedef enum { WRAPPER_NONE, WRAPPER_GZIP, WRAPPER_ZSTD, WRAPPER_ZIP } Wrapper;

typedef struct {
  int fd;
  Wrapper wrapper;
  UnwrapExtent extent;
  guint64 position, end; /* in the file: the next byte to read, and the end */
  guint8 *input, *output;

  guint8 head[INNER_HEAD_BYTES]; /* of the inner file */
  gsize n_head;
  gboolean is_head_known;
  guint64 max_bytes, bytes_out;
  UnwrapSinkFunc sink;
  gpointer user_data;
  GCancellable *cancellable;
} Unwrap;

static const struct {
  const char *magic; /* four bytes, except for gzip */
  gsize n_magic;
  TextId holds_other, holds_sql;
} wrappers[] = {
    [WRAPPER_NONE] = {"", 0, TEXT_FOREIGN_UNKNOWN, TEXT_FOREIGN_UNKNOWN},
    [WRAPPER_GZIP] = {"\x1f\x8b\x08", 3, TEXT_FOREIGN_GZIP, TEXT_FOREIGN_GZIP_SQL},
    [WRAPPER_ZSTD] = {"\x28\xb5\x2f\xfd", 4, TEXT_FOREIGN_ZSTD, TEXT_FOREIGN_ZSTD_SQL},
    [WRAPPER_ZIP] = {"PK\x03\x04", 4, TEXT_FOREIGN_ZIP, TEXT_FOREIGN_ZIP_SQL},
};

static Wrapper
find_wrapper(const guint8 *head, gsize n_bytes)
{
  for (Wrapper wrapper = WRAPPER_GZIP; wrapper <= WRAPPER_ZIP; wrapper++)
    if (memcmp(head, wrappers[wrapper].magic, MIN(n_bytes, wrappers[wrapper].n_magic)) == 0)
      return wrapper;
  return WRAPPER_NONE;
}

gboolean
unwrap_is_plausible(const guint8 *head, gsize n_bytes)
{
  return n_bytes == 0 || find_wrapper(head, n_bytes) != WRAPPER_NONE;
}

static gboolean
read_at(int fd, guint64 position, guint8 *bytes, gsize size, gsize *ret_read, GError **error)
{
  gsize filled = 0;
  while (filled < size) {
    gssize n = pread(fd, bytes + filled, size - filled, (off_t)(position + filled));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "read the file");
      return FALSE;
    }
    if (n == 0)
      break;
    filled += (gsize)n;
  }
  *ret_read = filled;
  return TRUE;
}

static gboolean
refuse_inner(const Unwrap *unwrap, GError **error)
{
  TextId inner = foreign_identify(unwrap->head, unwrap->n_head);
  TextId text = wrappers[unwrap->wrapper].holds_other;
  if (inner == TEXT_FOREIGN_SQL || inner == TEXT_FOREIGN_SQL_CLUSTER)
    text = wrappers[unwrap->wrapper].holds_sql;
  else if (inner == TEXT_FOREIGN_TAR)
    text = TEXT_FOREIGN_TAR_PACKED;
  else if (inner == TEXT_FOREIGN_TAR_DUMP)
    text = TEXT_FOREIGN_TAR_DUMP_PACKED;
  else if (inner == TEXT_FOREIGN_TAR_OF_DIRECTORY || inner == TEXT_FOREIGN_BASE_BACKUP || inner == TEXT_FOREIGN_MYSQL)
    text = inner;
  else if (inner == TEXT_FOREIGN_GZIP || inner == TEXT_FOREIGN_ZSTD || inner == TEXT_FOREIGN_ZIP)
    text = TEXT_FOREIGN_TWICE;
  g_autofree char *shown = g_strndup((const char *)unwrap->head, MIN(unwrap->n_head, SHOWN_BYTES));
  g_autofree char *escaped = g_strescape(shown, NULL);
  error_set_explained(error, CCH_ERROR_ARCHIVE_FORMAT, text, "inside, the file begins with \"%s\"", escaped);
  return FALSE;
}

/* Passes on the inner file's beginning once it is known to be an archive. */
static gboolean
pass_head(Unwrap *unwrap, GError **error)
{
  if (unwrap->is_head_known)
    return TRUE;
  unwrap->is_head_known = TRUE;
  if (unwrap->n_head == 0 || !archive_magic_plausible(unwrap->head, unwrap->n_head))
    return refuse_inner(unwrap, error);
  return unwrap->sink(unwrap->head, unwrap->n_head, unwrap->user_data, error);
}

static gboolean
take_output(Unwrap *unwrap, gsize size, GError **error)
{
  if (unwrap->bytes_out + size > unwrap->max_bytes) {
    error_set_file_too_large(error, unwrap->max_bytes, "unpacked it has more than %" G_GUINT64_FORMAT " bytes",
                             unwrap->max_bytes);
    return FALSE;
  }
  unwrap->bytes_out += size;
  gsize n = unwrap->is_head_known ? 0 : MIN(size, INNER_HEAD_BYTES - unwrap->n_head);
  memcpy(unwrap->head + unwrap->n_head, unwrap->output, n);
  unwrap->n_head += n;
  if (!unwrap->is_head_known && unwrap->n_head < INNER_HEAD_BYTES)
    return TRUE;
  return pass_head(unwrap, error) &&
         (size == n || unwrap->sink(unwrap->output + n, size - n, unwrap->user_data, error));
}

/* Reads the next stored bytes; *ret_size is 0 at the end. */
static gboolean
read_input(Unwrap *unwrap, gsize *ret_size, GError **error)
{
  if (error_if_cancelled(unwrap->cancellable, error))
    return FALSE;
  gsize wanted = (gsize)MIN(unwrap->end - unwrap->position, BUFFER_BYTES);
  if (!read_at(unwrap->fd, unwrap->position, unwrap->input, wanted, ret_size, error))
    return FALSE;
  unwrap->position += *ret_size;
  return TRUE;
}

static gboolean
refuse_damage(GError **error, const char *what)
{
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "%s", what);
  return FALSE;
}

static gboolean
refuse_cut(GError **error, const char *what)
{
  error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_ARCHIVE_CUT, "%s", what);
  return FALSE;
}

/* gzip: a sequence of members, each with its checksum and length, which zlib checks; zero bytes after them are
 * padding. A file in a ZIP: one raw stream. *ret_crc: of all output. */
static gboolean
unpack_deflate(Unwrap *unwrap, int window, guint32 *ret_crc, GError **error)
{
  z_stream stream = {0};
  if (inflateInit2(&stream, window) != Z_OK)
    g_error("out of memory");
  gboolean ok = TRUE, is_ended = FALSE;
  uLong crc = crc32(0, NULL, 0);
  while (ok) {
    gsize n = 0;
    if (stream.avail_in == 0) {
      ok = read_input(unwrap, &n, error);
      stream.next_in = unwrap->input;
      stream.avail_in = (uInt)n;
      if (!ok || n == 0)
        break;
    }
    if (is_ended && window == WINDOW_RAW)
      break;
    if (is_ended && *stream.next_in == 0) {
      stream.next_in++;
      stream.avail_in--;
      continue;
    }
    if (is_ended)
      inflateReset(&stream);
    stream.next_out = unwrap->output;
    stream.avail_out = BUFFER_BYTES;
    int result = inflate(&stream, Z_NO_FLUSH);
    gsize produced = BUFFER_BYTES - stream.avail_out;
    is_ended = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      ok = refuse_damage(error, stream.msg != NULL ? stream.msg : "the compressed data is damaged");
    crc = crc32(crc, unwrap->output, (uInt)produced);
    ok = ok && take_output(unwrap, produced, error);
  }
  inflateEnd(&stream);
  if (ok && !is_ended && unwrap->extent == UNWRAP_WHOLE)
    ok = refuse_cut(error, "the compressed file ends too early");
  *ret_crc = (guint32)crc;
  return ok;
}

static gboolean
unpack_stored(Unwrap *unwrap, guint32 *ret_crc, GError **error)
{
  uLong crc = crc32(0, NULL, 0);
  for (;;) {
    gsize n;
    if (!read_input(unwrap, &n, error))
      return FALSE;
    if (n == 0)
      break;
    memcpy(unwrap->output, unwrap->input, n);
    crc = crc32(crc, unwrap->output, (uInt)n);
    if (!take_output(unwrap, n, error))
      return FALSE;
  }
  *ret_crc = (guint32)crc;
  return TRUE;
}

/* A sequence of frames. */
static gboolean
unpack_zstd(Unwrap *unwrap, GError **error)
{
  ZSTD_DCtx *context = ZSTD_createDCtx();
  if (context == NULL)
    g_error("out of memory");
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
  gboolean ok = TRUE;
  size_t left = 1;
  for (;;) {
    gsize n = 0;
    ok = read_input(unwrap, &n, error);
    if (!ok || n == 0)
      break;
    ZSTD_inBuffer in = {unwrap->input, n, 0};
    ZSTD_outBuffer out = {unwrap->output, BUFFER_BYTES, BUFFER_BYTES};
    while (ok && (in.pos < in.size || out.pos == out.size)) {
      gsize before = in.pos;
      out.pos = 0;
      left = ZSTD_decompressStream(context, &out, &in);
      ok = ZSTD_isError(left) ? refuse_damage(error, ZSTD_getErrorName(left)) : take_output(unwrap, out.pos, error);
      if (in.pos == before && out.pos == 0)
        break;
    }
    if (!ok)
      break;
  }
  ZSTD_freeDCtx(context);
  if (ok && left != 0 && unwrap->extent == UNWRAP_WHOLE)
    return refuse_cut(error, "the compressed file ends too early");
  return ok;
}

/* ZIP (PKWARE's APPNOTE 6.3): a local header before each file's bytes, then a central directory of all files, then
 * its end record, which a comment may follow. Numbers are little-endian. */
enum {
  LOCAL_BYTES = 30,
  CENTRAL_BYTES = 46,
  END_BYTES = 22,
  MAX_COMMENT_BYTES = 65535,
  MAX_CENTRAL_BYTES = 64 * 1024,
  FLAG_ENCRYPTED = 1,
  METHOD_STORED = 0,
  METHOD_DEFLATE = 8
};

typedef struct {
  guint flags, method;
  guint64 local_position, stored_bytes;
  guint32 crc;
} ZipMember;

static guint
get16(const guint8 *bytes)
{
  return (guint)bytes[0] | (guint)bytes[1] << 8;
}

static guint32
get32(const guint8 *bytes)
{
  return get16(bytes) | (guint32)get16(bytes + 2) << 16;
}

/* Ignores folders, and the files that macOS adds. */
static gboolean
is_beside(const char *name, gsize length)
{
  static const char mac[] = "__MACOSX/";
  return (length > 0 && name[length - 1] == '/') ||
         (length >= sizeof mac - 1 && memcmp(name, mac, sizeof mac - 1) == 0);
}

static gboolean
refuse_zip(GError **error, TextId text, const char *what)
{
  error_set_explained(error, CCH_ERROR_ARCHIVE_FORMAT, text, "%s", what);
  return FALSE;
}

/* The only file in the central directory. Sizes from 4 GB on (ZIP64) exceed all our limits. */
static gboolean
find_member(const Unwrap *unwrap, ZipMember *ret_member, GError **error)
{
  gsize n_tail = (gsize)MIN(unwrap->end, END_BYTES + MAX_COMMENT_BYTES), n;
  g_autofree guint8 *tail = g_malloc(n_tail + 1), *central = NULL;
  if (!read_at(unwrap->fd, unwrap->end - n_tail, tail, n_tail, &n, error))
    return FALSE;
  const guint8 *end = NULL;
  for (gsize i = n; i >= END_BYTES && end == NULL; i--)
    if (memcmp(tail + i - END_BYTES, "PK\x05\x06", 4) == 0)
      end = tail + i - END_BYTES;
  if (end == NULL)
    return refuse_cut(error, "the ZIP file has no directory at its end");
  gsize n_central = get32(end + 12);
  guint64 position = get32(end + 16);
  if (n_central > MAX_CENTRAL_BYTES)
    return refuse_zip(error, TEXT_FOREIGN_ZIP_SEVERAL, "its directory is too long for one file");
  central = g_malloc(n_central + 1);
  if (!read_at(unwrap->fd, position, central, n_central, &n, error))
    return FALSE;
  guint n_members = 0;
  for (gsize i = 0; i + CENTRAL_BYTES <= n;) {
    const guint8 *record = central + i;
    gsize n_name = get16(record + 28), n_all = CENTRAL_BYTES + n_name + get16(record + 30) + get16(record + 32);
    if (memcmp(record, "PK\x01\x02", 4) != 0 || i + n_all > n)
      return refuse_damage(error, "the directory of the ZIP file is damaged");
    i += n_all;
    if (is_beside((const char *)record + CENTRAL_BYTES, n_name))
      continue;
    n_members++;
    *ret_member = (ZipMember){.flags = get16(record + 8),
                              .method = get16(record + 10),
                              .crc = get32(record + 16),
                              .stored_bytes = get32(record + 20),
                              .local_position = get32(record + 42)};
  }
  if (n_members != 1)
    return refuse_zip(error, TEXT_FOREIGN_ZIP_SEVERAL, n_members == 0 ? "it holds no file" : "it holds several files");
  if (ret_member->stored_bytes == G_MAXUINT32 || ret_member->local_position == G_MAXUINT32) {
    error_set(error, CCH_ERROR_IMPORT_FILE_TOO_LARGE, "a ZIP64 file");
    return FALSE;
  }
  return TRUE;
}

static gboolean
unpack_zip(Unwrap *unwrap, GError **error)
{
  ZipMember member = {0};
  if (unwrap->extent == UNWRAP_WHOLE && !find_member(unwrap, &member, error))
    return FALSE;
  guint8 local[LOCAL_BYTES];
  gsize n;
  if (!read_at(unwrap->fd, member.local_position, local, LOCAL_BYTES, &n, error))
    return FALSE;
  if (n < LOCAL_BYTES || memcmp(local, "PK\x03\x04", 4) != 0)
    return refuse_damage(error, "the file in the ZIP file is not where its directory says");
  unwrap->position = member.local_position + LOCAL_BYTES + get16(local + 26) + get16(local + 28);
  if (unwrap->extent == UNWRAP_BEGINNING)
    member = (ZipMember){.flags = get16(local + 6), .method = get16(local + 8)};
  else if (unwrap->position + member.stored_bytes > unwrap->end)
    return refuse_cut(error, "the ZIP file ends too early");
  else
    unwrap->end = unwrap->position + member.stored_bytes;
  if ((member.flags & FLAG_ENCRYPTED) != 0)
    return refuse_zip(error, TEXT_FOREIGN_ZIP_ENCRYPTED, "encrypted");
  if (member.method != METHOD_STORED && member.method != METHOD_DEFLATE)
    return refuse_zip(error, TEXT_FOREIGN_ZIP, "its compression is neither deflate nor none");
  guint32 crc;
  gboolean ok = member.method == METHOD_STORED ? unpack_stored(unwrap, &crc, error)
                                               : unpack_deflate(unwrap, WINDOW_RAW, &crc, error);
  if (ok && unwrap->extent == UNWRAP_WHOLE && crc != member.crc)
    return refuse_damage(error, "the checksum in the ZIP file is another");
  return ok;
}

gboolean
unwrap_file(int fd, UnwrapExtent extent, guint64 max_bytes, UnwrapSinkFunc sink, gpointer user_data,
            GCancellable *cancellable, GError **error)
{
  struct stat status;
  if (fstat(fd, &status) != 0) {
    error_set_errno(error, errno, "stat the file");
    return FALSE;
  }
  g_autofree guint8 *input = g_malloc(BUFFER_BYTES), *output = g_malloc(BUFFER_BYTES);
  Unwrap unwrap = {.fd = fd,
                   .extent = extent,
                   .end = (guint64)status.st_size,
                   .input = input,
                   .output = output,
                   .max_bytes = max_bytes,
                   .sink = sink,
                   .user_data = user_data,
                   .cancellable = cancellable};
  gsize n;
  guint32 crc;
  if (!read_at(fd, 0, input, 4, &n, error))
    return FALSE;
  unwrap.wrapper = find_wrapper(input, n);
  gboolean ok = FALSE;
  switch (unwrap.wrapper) {
  case WRAPPER_GZIP:
    ok = unpack_deflate(&unwrap, WINDOW_GZIP, &crc, error);
    break;
  case WRAPPER_ZSTD:
    ok = unpack_zstd(&unwrap, error);
    break;
  case WRAPPER_ZIP:
    ok = unpack_zip(&unwrap, error);
    break;
  case WRAPPER_NONE:
    foreign_set_error_of_file(fd, error);
    break;
  }
  return ok && pass_head(&unwrap, error);
}
