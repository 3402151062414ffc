#include "archive/detect/foreign.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAR_BLOCK_BYTES     512
#define TAR_CHECKSUM_OFFSET 148
#define TAR_CHECKSUM_BYTES  8

/* The format byte (offset 10) of a "PGDMP" file; 1 is custom (pg_backup.h, ArchiveFormat). A dump in directory
 * format has 3, too: pg_backup_directory.c writes its toc.dat in tar's format. */
#define FORMAT_OFFSET 10

/* Fewer line ends, or bytes beyond ASCII, prove nothing. */
#define MIN_PROOFS 8

/* As many control characters stand for some ten of each byte in binary data; the shortest header of an archive. */
enum { MANY_CONTROLS = 256, MIN_HEADER_BYTES = 48 };

static const struct {
  const char *bytes;
  gsize n_bytes;
  TextId text;
} signatures[] = {
#define SIGNATURE(bytes, text)                                                                                         \
  {                                                                                                                    \
    (bytes), sizeof(bytes) - 1, TEXT_FOREIGN_##text                                                                    \
  }
    SIGNATURE("\xef\xbb\xbfPGDMP", BOM),
    SIGNATURE("\xff\xfeP\0G\0D\0M\0P\0", UTF16_ARCHIVE),
    SIGNATURE("\xfe\xff\0P\0G\0D\0M\0P", UTF16_ARCHIVE),
    SIGNATURE("P\0G\0D\0M\0P\0", UTF16_ARCHIVE),
    SIGNATURE("\xff\xfe", UTF16_TEXT),
    SIGNATURE("\xfe\xff", UTF16_TEXT),
    SIGNATURE("\0P\0G\0D\0M\0P", UTF16_ARCHIVE),
    SIGNATURE("UEdETVAB", BASE64),
    SIGNATURE("H4sI", BASE64), /* of gzip, zstd, ZIP and xz */
    SIGNATURE("KLUv/", BASE64),
    SIGNATURE("UEsDB", BASE64),
    SIGNATURE("/Td6WFo", BASE64),
    SIGNATURE("5047444d50", HEX),
    SIGNATURE("5047444D50", HEX),
    SIGNATURE("\\x5047444d50", HEX),
    SIGNATURE("\x1f\x8b", GZIP),
    SIGNATURE("\x28\xb5\x2f\xfd", ZSTD),
    SIGNATURE("PK\x03\x04", ZIP),
    SIGNATURE("PK\x05\x06", ZIP),
    SIGNATURE("\xfd"
              "7zXZ",
              XZ),
    SIGNATURE("BZh", BZIP2),
    SIGNATURE("\x04\x22\x4d\x18", LZ4),
    SIGNATURE("\x02\x21\x4c\x18", LZ4), /* lz4 -l */
    SIGNATURE("]\0\0", LZMA),
    SIGNATURE("\x89LZO\0\r\n\x1a\n", LZOP),
    SIGNATURE("7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    SIGNATURE("Rar!", RAR),
    SIGNATURE("LZIP", LZIP),
    SIGNATURE("\x1f\x9d", COMPRESS),
    SIGNATURE("age-encryption.org/", AGE),
    SIGNATURE("-----BEGIN AGE ENCRYPTED FILE-----", AGE),
    SIGNATURE("-----BEGIN PGP ", GPG),
    SIGNATURE("Salted__", OPENSSL),
    SIGNATURE("U2FsdGVkX1", OPENSSL),
    SIGNATURE("PGRSUS", DATABASUS),
    SIGNATURE("SQLite format 3", SQLITE),
    SIGNATURE("REDIS0", REDIS),
    SIGNATURE("TAPE\0\0", OTHER_DATABASE),         /* SQL Server: Microsoft Tape Format */
    SIGNATURE("\x6d\xe2\x99\x81", OTHER_DATABASE), /* MongoDB: mongodump --archive */
    SIGNATURE("\3\0\1EXPORT:V", OTHER_DATABASE),   /* Oracle: exp */
    SIGNATURE("\3\3WEXPORT:V", OTHER_DATABASE),
    SIGNATURE("RCLONE\0\0", RCLONE),
    SIGNATURE("version https://git-lfs", LFS),
    SIGNATURE("%PDF-", OTHER_KIND),
    SIGNATURE("\x89PNG", OTHER_KIND),
    SIGNATURE("\xff\xd8\xff", OTHER_KIND),
    SIGNATURE("\x7f"
              "ELF",
              OTHER_KIND),
    SIGNATURE("MZ", OTHER_KIND),
#undef SIGNATURE
};

/* Sentences by a text's first word, in any case. The first match counts. */
static const struct {
  const char *beginning;
  TextId text;
} beginnings[] = {
    {"-- mysql dump", TEXT_FOREIGN_MYSQL},
    {"-- mariadb dump", TEXT_FOREIGN_MYSQL},
    {"/*!", TEXT_FOREIGN_MYSQL},
    {"pragma ", TEXT_FOREIGN_SQLITE},
    {"<", TEXT_FOREIGN_HTML},
    {"http/1", TEXT_FOREIGN_HTML},
    {"{", TEXT_FOREIGN_JSON},
    {"[", TEXT_FOREIGN_JSON},
};

/* A line that begins with one of these is SQL. */
static const char *const sql_words[] = {
    "--",         "/*",       "\\restrict", "\\connect", "\\c ",      "\\set ",  "\\encoding ", "set ",
    "select ",    "create ",  "drop ",      "alter ",    "begin;",    "begin\n", "begin\r\n",   "begin transaction",
    "begin work", "copy ",    "insert ",    "start ",    "truncate ", "delete ", "update ",     "grant ",
    "revoke ",    "comment ", "do ",        "with ",     "lock ",     "\\echo ", "\\if ",       "\\unrestrict"};

static gboolean
starts_with(const guint8 *head, gsize n_bytes, const char *bytes, gsize n)
{
  return n_bytes >= n && memcmp(head, bytes, n) == 0;
}

static gboolean
is_all_zero(const guint8 *head, gsize n_bytes)
{
  for (gsize i = 0; i < n_bytes; i++)
    if (head[i] != 0)
      return FALSE;
  return TRUE;
}

/* OpenPGP messages begin with a packet for a key (tag 1, version 3) or a passphrase (tag 3, version 4). Marker
 * packets could come first, but no program writes them (RFC 4880, 4.2). */
static gboolean
is_openpgp(const guint8 *head, gsize n_bytes)
{
  if (n_bytes < 4 || (head[0] & 0x80) == 0)
    return FALSE;
  gboolean is_new_format = (head[0] & 0x40) != 0;
  guint tag = is_new_format ? head[0] & 0x3f : (head[0] >> 2) & 0x0f;
  gsize n_length = 1;
  if (is_new_format)
    n_length = head[1] < 192 ? 1 : head[1] < 224 ? 2 : 5;
  else if ((head[0] & 3) < 3)
    n_length = (gsize)1 << (head[0] & 3);
  else
    return FALSE;
  if (n_bytes <= 1 + n_length)
    return FALSE;
  guint8 version = head[1 + n_length];
  return (tag == 1 && version == 3) || (tag == 3 && (version == 4 || version == 5));
}

/* POSIX ustar and its predecessor: the sum of the header's bytes, with blanks in place of the sum itself, in octal
 * digits. */
static gboolean
is_tar(const guint8 *head, gsize n_bytes)
{
  if (n_bytes < TAR_BLOCK_BYTES || head[0] == 0)
    return FALSE;
  guint64 sum = 0, stated = 0;
  gboolean has_digit = FALSE;
  for (gsize i = 0; i < TAR_BLOCK_BYTES; i++)
    sum += i >= TAR_CHECKSUM_OFFSET && i < TAR_CHECKSUM_OFFSET + TAR_CHECKSUM_BYTES ? ' ' : head[i];
  for (gsize i = 0; i < TAR_CHECKSUM_BYTES; i++) {
    guint8 c = head[TAR_CHECKSUM_OFFSET + i];
    if (c >= '0' && c <= '7') {
      stated = stated * 8 + (guint)(c - '0');
      has_digit = TRUE;
    } else if (has_digit) {
      break;
    }
  }
  return has_digit && sum == stated;
}

static gboolean
ends_with(const char *name, gsize length, const char *end)
{
  gsize n = strlen(end);
  return length >= n && memcmp(name + length - n, end, n) == 0;
}

/* pg_dump -Ft begins with toc.dat itself; an archived directory dump has its files in a folder. pg_basebackup -Ft
 * begins with backup_label, and each data directory has PG_VERSION. */
static TextId
name_tar(const guint8 *head, gsize n_bytes)
{
  static const char *const of_dump[] = {"/toc.dat", ".dat.gz", ".dat.lz4", ".dat.zst"};
  static const char *const of_cluster[] = {"/PG_VERSION", "/backup_label"};
  if (g_strcmp0((const char *)head, "toc.dat") == 0)
    return TEXT_FOREIGN_TAR_DUMP;
  if (g_strcmp0((const char *)head, "backup_label") == 0 || g_strcmp0((const char *)head, "PG_VERSION") == 0)
    return TEXT_FOREIGN_BASE_BACKUP;
  for (gsize i = 0; i + TAR_BLOCK_BYTES <= n_bytes; i += TAR_BLOCK_BYTES) {
    const char *name = (const char *)head + i;
    gsize length = strnlen(name, 100);
    for (gsize j = 0; j < G_N_ELEMENTS(of_dump); j++)
      if (ends_with(name, length, of_dump[j]))
        return TEXT_FOREIGN_TAR_OF_DIRECTORY;
    for (gsize j = 0; j < G_N_ELEMENTS(of_cluster); j++)
      if (ends_with(name, length, of_cluster[j]))
        return TEXT_FOREIGN_BASE_BACKUP;
  }
  return TEXT_FOREIGN_TAR;
}

static gboolean
is_text(const guint8 *head, gsize n_bytes)
{
  for (gsize i = 0; i < n_bytes; i++)
    if (head[i] == 0 || (head[i] < ' ' && strchr("\t\n\r\f\v\x1b", head[i]) == NULL))
      return FALSE;
  return n_bytes > 0;
}

static TextId
name_text(const guint8 *head, gsize n_bytes)
{
  g_autofree char *text = g_ascii_strdown((const char *)head, (gssize)n_bytes);
  const char *word = text;
  if (g_str_has_prefix(word, "\xef\xbb\xbf"))
    word += 3;
  while (g_ascii_isspace(*word))
    word++;
  for (gsize i = 0; i < G_N_ELEMENTS(beginnings); i++)
    if (g_str_has_prefix(word, beginnings[i].beginning))
      return beginnings[i].text;
  if (strstr(word, "postgresql database cluster dump") != NULL)
    return TEXT_FOREIGN_SQL_CLUSTER;
  for (gsize i = 0; i < G_N_ELEMENTS(sql_words); i++)
    if (g_str_has_prefix(word, sql_words[i]))
      return TEXT_FOREIGN_SQL;
  return strstr(word, "\n-- postgresql database dump") != NULL ? TEXT_FOREIGN_SQL : TEXT_FOREIGN_TEXT;
}

/* ARCHIVE_CORRUPT if the file was an archive before it was damaged. */
static ErrorCode
code_for(TextId text)
{
  switch (text) {
  case TEXT_FOREIGN_BOM:
  case TEXT_FOREIGN_UTF16_ARCHIVE:
  case TEXT_FOREIGN_IN_FRONT:
  case TEXT_FOREIGN_CUT:
    return CCH_ERROR_ARCHIVE_CORRUPT;
  default:
    return CCH_ERROR_ARCHIVE_FORMAT;
  }
}

static TextId
name_binary(const guint8 *head, gsize n_bytes)
{
  if (is_all_zero(head, n_bytes))
    return TEXT_FOREIGN_ZEROS;
  if (is_tar(head, n_bytes))
    return name_tar(head, n_bytes);
  return is_openpgp(head, n_bytes) ? TEXT_FOREIGN_GPG : TEXT_FOREIGN_UNKNOWN;
}

/* For a file that begins with "PGDMP", or with a part of it. */
static TextId
name_archive(const guint8 *head, gsize n_bytes)
{
  if (n_bytes <= FORMAT_OFFSET)
    return TEXT_FOREIGN_CUT;
  return head[FORMAT_OFFSET] == 3 || head[FORMAT_OFFSET] == 5 ? TEXT_FOREIGN_TOC_DAT : TEXT_FOREIGN_UNKNOWN;
}

static const char magic[] = "PGDMP";
#define MAGIC_BYTES (sizeof magic - 1)

/* With the version's first byte, which no text has. */
static const guint8 *
find_archive(const guint8 *head, gsize n_bytes)
{
  return memmem(head, n_bytes, "PGDMP\1", MAGIC_BYTES + 1);
}

/* UTF-16 without its mark: every second byte of text in Latin letters is zero. */
static gboolean
is_bare_utf16(const guint8 *head, gsize n_bytes)
{
  for (gsize order = 0; order < 2; order++) {
    gsize n_pairs = 0;
    while (2 * n_pairs + 1 < n_bytes && head[2 * n_pairs + order] == 0 &&
           (g_ascii_isprint((gchar)head[2 * n_pairs + 1 - order]) ||
            g_ascii_isspace((gchar)head[2 * n_pairs + 1 - order])))
      n_pairs++;
    if (n_pairs >= MIN_PROOFS || (n_pairs > 1 && n_pairs == n_bytes / 2))
      return TRUE;
  }
  return FALSE;
}

TextId
foreign_identify(const guint8 *head, gsize n_bytes)
{
  if (n_bytes == 0)
    return TEXT_FOREIGN_EMPTY;
  if (memcmp(head, magic, MIN(n_bytes, MAGIC_BYTES)) == 0)
    return name_archive(head, n_bytes);
  for (gsize i = 0; i < G_N_ELEMENTS(signatures); i++)
    if (starts_with(head, n_bytes, signatures[i].bytes, signatures[i].n_bytes))
      return signatures[i].text;
  if (is_tar(head, n_bytes))
    return name_tar(head, n_bytes);
  if (find_archive(head, n_bytes) != NULL)
    return TEXT_FOREIGN_IN_FRONT;
  if (is_bare_utf16(head, n_bytes))
    return TEXT_FOREIGN_UTF16_TEXT;
  return is_text(head, n_bytes) ? name_text(head, n_bytes) : name_binary(head, n_bytes);
}

void
foreign_set_error(const guint8 *head, gsize n_bytes, guint64 size, GError **error)
{
  TextId text = foreign_identify(head, size == 0 ? 0 : n_bytes);
  if (text == TEXT_FOREIGN_IN_FRONT) {
    gsize n_front = (gsize)(find_archive(head, n_bytes) - head);
    error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, text,
                        "the archive begins at byte %" G_GSIZE_FORMAT ": tail -c +%" G_GSIZE_FORMAT
                        " FILE > archive.dump",
                        n_front, n_front + 1);
    return;
  }
  g_autofree char *shown = g_strndup((const char *)head, MIN(n_bytes, 24));
  g_autofree char *escaped = g_strescape(shown, NULL);
  error_set_explained(error, code_for(text), text, "the file begins with \"%s\"", escaped);
}

/* The first FOREIGN_HEAD_BYTES, or fewer in a shorter file; 0 if they cannot be read. */
static gsize
read_head(int fd, guint8 *head)
{
  gsize filled = 0;
  while (filled < FOREIGN_HEAD_BYTES) {
    gssize n = pread(fd, head + filled, FOREIGN_HEAD_BYTES - filled, (off_t)filled);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    filled += (gsize)n;
  }
  return filled;
}

void
foreign_set_error_of_file(int fd, GError **error)
{
  struct stat status;
  if (fstat(fd, &status) != 0) {
    error_set_errno(error, errno, "stat the archive");
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    if (faccessat(fd, "toc.dat", F_OK, 0) == 0)
      error_set_explained(error, CCH_ERROR_ARCHIVE_FORMAT, TEXT_FOREIGN_DIRECTORY_DUMP,
                          "a directory with a toc.dat in it");
    else if (faccessat(fd, "PG_VERSION", F_OK, 0) == 0 || faccessat(fd, "base.tar", F_OK, 0) == 0)
      error_set_explained(error, CCH_ERROR_ARCHIVE_FORMAT, TEXT_FOREIGN_BASE_BACKUP, "a server's data directory");
    else
      error_set_explained(error, CCH_ERROR_ARCHIVE_FORMAT, TEXT_FOREIGN_DIRECTORY, "a directory");
    return;
  }
  if (!S_ISREG(status.st_mode)) {
    error_set_explained(error, CCH_ERROR_ARCHIVE_FORMAT, TEXT_FOREIGN_NOT_A_FILE, "not a regular file");
    return;
  }
  g_autofree guint8 *head = g_malloc(FOREIGN_HEAD_BYTES);
  foreign_set_error(head, read_head(fd, head), (guint64)status.st_size, error);
}

/* Every LF follows a CR. In compressed data, or a table of contents with multi-line SQL, that cannot be chance. */
static gboolean
has_crlf_only(const guint8 *head, gsize n_bytes)
{
  guint n_lines = 0;
  for (gsize i = 0; i < n_bytes; i++) {
    if (head[i] != '\n')
      continue;
    if (i == 0 || head[i - 1] != '\r')
      return FALSE;
    n_lines++;
  }
  return n_lines >= MIN_PROOFS;
}

/* Bytes beyond ASCII were converted from Latin-1, or replaced by the replacement character, so that everything is
 * valid UTF-8 now. */
static gboolean
is_made_utf8(const guint8 *head, gsize n_bytes)
{
  guint n_beyond = 0;
  for (gsize i = 0; i < n_bytes; i++)
    n_beyond += head[i] >= 0xc2;
  const char *from = (const char *)head, *end;
  gsize left = n_bytes;
  while (!g_utf8_validate(from, (gssize)left, &end)) {
    gsize valid = (gsize)(end - from);
    /* A zero byte is an error only to GLib; the last character may be cut off. */
    if (left - valid < 4 && left - valid < n_bytes && *end != '\0')
      break;
    if (*end != '\0')
      return FALSE;
    from = end + 1;
    left -= valid + 1;
  }
  return n_beyond >= MIN_PROOFS;
}

/* Bytes that every archive has are missing: zero bytes, or among so many control characters, carriage returns or bytes
 * beyond ASCII. */
static gboolean
is_stripped(const guint8 *head, gsize n_bytes)
{
  gsize n_zero = 0, n_return = 0, n_control = 0, n_beyond = 0;
  for (gsize i = 0; i < n_bytes; i++) {
    n_zero += head[i] == 0;
    n_return += head[i] == '\r';
    n_beyond += head[i] >= 0x80;
    n_control += head[i] > 0 && head[i] < ' ' && strchr("\t\n\r", head[i]) == NULL;
  }
  return n_bytes >= MIN_HEADER_BYTES &&
         (n_zero == 0 || (n_control >= MANY_CONTROLS && (n_return == 0 || n_beyond == 0)));
}

void
foreign_explain(int fd, GError *failure, GError **error)
{
  g_autoptr(GError) owned = failure;
  ErrorCode code = error_code(failure);
  if (code == CCH_ERROR_ARCHIVE_FORMAT) {
    foreign_set_error_of_file(fd, error);
    return;
  }
  gboolean is_damage = code == CCH_ERROR_ARCHIVE_CORRUPT || code == CCH_ERROR_ARCHIVE_VERSION;
  g_autofree guint8 *head = is_damage ? g_malloc(FOREIGN_HEAD_BYTES) : NULL;
  gsize n_bytes = is_damage ? read_head(fd, head) : 0;
  if (n_bytes > 0 && has_crlf_only(head, n_bytes))
    error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_FOREIGN_CRLF, "%s", failure->message);
  else if (n_bytes > 0 && is_made_utf8(head, n_bytes))
    error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_FOREIGN_MADE_UTF8, "%s", failure->message);
  else if (n_bytes > 0 && is_stripped(head, n_bytes))
    error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_FOREIGN_STRIPPED, "%s", failure->message);
  else
    g_propagate_error(error, g_steal_pointer(&owned));
}
