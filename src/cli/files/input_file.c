#include "cli/files/input_file.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

GString *
cli_read_input(const char *path, gsize max_bytes, GError **error)
{
  gboolean is_stdin = strcmp(path, "-") == 0;
  FILE *file = is_stdin ? stdin : fopen(path, "rbe");
  if (file == NULL) {
    error_set_errno(error, errno, "open %s", path);
    return NULL;
  }
  g_autoptr(GString) text = g_string_new(NULL);
  char buffer[65536];
  for (gsize n; text->len <= max_bytes && (n = fread(buffer, 1, sizeof buffer, file)) > 0;)
    g_string_append_len(text, buffer, (gssize)n);
  gboolean is_read = !ferror(file);
  if (!is_read)
    error_set_errno(error, errno, "read %s", path);
  if (!is_stdin)
    fclose(file);
  return is_read ? g_steal_pointer(&text) : NULL;
}
