#include "storage/storage_names.h"

#include "base/error.h"
#include "base/random_id.h"

#include <string.h>

#define MAX_NAME_PARTS      4
#define MAX_NAME_PART_BYTES 200

static gboolean
name_part_is_valid(const char *part)
{
  gsize length = strlen(part);
  if (length == 0 || length > MAX_NAME_PART_BYTES || strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
    return FALSE;
  for (const char *p = part; *p != '\0'; p = g_utf8_next_char(p))
    if (*p == '\\' || !g_unichar_isprint(g_utf8_get_char(p)))
      return FALSE;
  return TRUE;
}

gboolean
storage_name_is_valid(const char *name)
{
  if (name == NULL || strlen(name) > MAX_NAME_PARTS * (MAX_NAME_PART_BYTES + 1) || !g_utf8_validate(name, -1, NULL))
    return FALSE;
  g_auto(GStrv) parts = g_strsplit(name, "/", -1);
  guint n_parts = g_strv_length(parts);
  for (guint i = 0; i < n_parts; i++)
    if (!name_part_is_valid(parts[i]))
      return FALSE;
  return n_parts >= 1 && n_parts <= MAX_NAME_PARTS;
}

gboolean
storage_name_is_ours(const char *name)
{
  const char *slash = strrchr(name, '/');
  return storage_name_is_valid(name) && g_str_has_prefix(slash != NULL ? slash + 1 : name, "backup_");
}

char *
storage_partial_name(const char *name)
{
  g_autofree char *id = random_id_new(4);
  return g_strdup_printf("%s.%s" STORAGE_PARTIAL_SUFFIX, name, id);
}

static void
file_free(gpointer data)
{
  StorageFile *file = data;
  g_free(file->name);
  g_free(file);
}

GPtrArray *
storage_files_new(void)
{
  return g_ptr_array_new_with_free_func(file_free);
}

gboolean
storage_files_add(GPtrArray *files, const char *name, guint64 bytes, gint64 modified_s, GError **error)
{
  if (!storage_name_is_ours(name))
    return TRUE;
  if (files->len >= STORAGE_LIST_MAX) {
    error_set(error, CCH_ERROR_STORAGE_FAILED, "there are more than %d backups", STORAGE_LIST_MAX);
    return FALSE;
  }
  StorageFile *file = g_new(StorageFile, 1);
  *file = (StorageFile){.name = g_strdup(name), .bytes = bytes, .modified_s = modified_s};
  g_ptr_array_add(files, file);
  return TRUE;
}
