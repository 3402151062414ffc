#include "backup/preview/preview_run.h"

void
preview_warn(PreviewRun *run, TextId id, ...)
{
  va_list args;
  va_start(args, id);
  g_autofree char *text = text_vformat(id, run->options->language, args);
  va_end(args);
  g_ptr_array_add(run->preview->warnings, g_utf8_make_valid(text, -1));
}
