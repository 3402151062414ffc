#include "upload/tus.h"

#include "base/error.h"

#include <string.h>

gboolean
tus_parse_count(const char *header, const char *text, guint64 *ret_count, GError **error)
{
  guint64 count;
  if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &count, NULL)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be a number of bytes, not \"%.64s\"", header, text);
    return FALSE;
  }
  *ret_count = count;
  return TRUE;
}

/* Strict: g_base64_decode skips unknown characters. NULL if it is not base64. */
static guint8 *
decode_base64(const char *text, gsize *ret_size)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  gsize length = strlen(text), digits = strspn(text, alphabet);
  gsize padding = length - digits;
  if (length % 4 != 0 || padding > 2 || strspn(text + digits, "=") != padding)
    return NULL;
  gsize size;
  guint8 *bytes = g_base64_decode(text, &size);
  *ret_size = size;
  return bytes;
}

static gboolean
is_printable_utf8(const guint8 *bytes, gsize size)
{
  if (!g_utf8_validate((const char *)bytes, (gssize)size, NULL))
    return FALSE;
  for (gsize i = 0; i < size; i++) {
    if (g_ascii_iscntrl((char)bytes[i]))
      return FALSE;
  }
  return TRUE;
}

/* Parses one "key" or "key base64"; returns its value, and cuts the pair after the key. */
static guint8 *
split_pair(char *pair, gsize *ret_size, GError **error)
{
  char *space = strchr(pair, ' ');
  if (space != NULL)
    *space = '\0';
  guint8 *value = NULL;
  gsize n_printable = 0;
  while (pair[n_printable] > ' ' && pair[n_printable] <= '~')
    n_printable++;
  if (*pair != '\0' && pair[n_printable] == '\0')
    value = decode_base64(space != NULL ? space + 1 : "", ret_size);
  if (value == NULL)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Upload-Metadata must be pairs of a key and a value in base64");
  return value;
}

static char *
check_file_name(const guint8 *value, gsize size, GError **error)
{
  if (size <= TUS_MAX_FILE_NAME && is_printable_utf8(value, size))
    return g_strndup((const char *)value, size);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER,
            "the filename in Upload-Metadata must be UTF-8 without control characters, %d bytes at most",
            TUS_MAX_FILE_NAME);
  return NULL;
}

char *
tus_parse_file_name(const char *metadata, GError **error)
{
  if (strlen(metadata) > TUS_MAX_METADATA_BYTES) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Upload-Metadata has more than %d bytes", TUS_MAX_METADATA_BYTES);
    return NULL;
  }
  g_auto(GStrv) pairs = g_strsplit(metadata, ",", TUS_MAX_METADATA_PAIRS + 1);
  if (g_strv_length(pairs) > TUS_MAX_METADATA_PAIRS) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Upload-Metadata has more than %d pairs", TUS_MAX_METADATA_PAIRS);
    return NULL;
  }
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autofree char *name = NULL;
  for (char **pair = pairs; *pair != NULL; pair++) {
    gsize size;
    g_autofree guint8 *value = split_pair(g_strstrip(*pair), &size, error);
    if (value == NULL)
      return NULL;
    if (!g_hash_table_add(seen, *pair)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Upload-Metadata has the key %s twice", *pair);
      return NULL;
    }
    if (strcmp(*pair, "filename") == 0 && (name = check_file_name(value, size, error)) == NULL)
      return NULL;
  }
  return g_steal_pointer(&name);
}

gboolean
tus_parse_checksum(const char *text, TusChecksum *ret_checksum, GError **error)
{
  static const struct {
    const char *name;
    GChecksumType type;
  } algorithms[] = {{"sha256 ", G_CHECKSUM_SHA256}, {"sha1 ", G_CHECKSUM_SHA1}};
  for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++) {
    if (!g_str_has_prefix(text, algorithms[i].name))
      continue;
    gsize size = 0;
    g_autofree guint8 *digest = decode_base64(text + strlen(algorithms[i].name), &size);
    if (digest == NULL || (gssize)size != g_checksum_type_get_length(algorithms[i].type))
      break;
    *ret_checksum = (TusChecksum){.type = algorithms[i].type, .size = size};
    memcpy(ret_checksum->digest, digest, size);
    return TRUE;
  }
  error_set(error, CCH_ERROR_REQUEST_PARAMETER,
            "Upload-Checksum must be an algorithm (" TUS_CHECKSUM_ALGORITHMS ") and a digest in base64");
  return FALSE;
}
