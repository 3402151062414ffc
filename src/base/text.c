#include "base/text.h"

#include <string.h>

static const char *const text_table[TEXT_COUNT][LANGUAGE_COUNT] = {
#define CCH_TEXT_DEF(name, zh, en) [TEXT_##name] = {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en},
#include "base/texts.def"
#undef CCH_TEXT_DEF
};

const char *
text_get(TextId id, Language language)
{
  return text_table[id][language];
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* a test compares the catalogue's conversions */
char *
text_vformat(TextId id, Language language, va_list args)
{
  return g_strdup_vprintf(text_get(id, language), args);
}
#pragma GCC diagnostic pop

char *
text_format(TextId id, Language language, ...)
{
  va_list args;
  va_start(args, language);
  char *formatted = text_vformat(id, language, args);
  va_end(args);
  return formatted;
}

char *
text_visible(const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  GString *visible = g_string_sized_new(strlen(valid));
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
    gunichar character = g_utf8_get_char(p);
    /* Characters that change the direction of the following text. */
    gboolean is_turning = (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
    if (character == '\n')
      g_string_append(visible, "\\n");
    else if (g_unichar_iscntrl(character))
      g_string_append_printf(visible, "\\x%02x", character);
    else if (is_turning)
      g_string_append_printf(visible, "\\u%04x", character);
    else
      g_string_append_unichar(visible, character);
  }
  return g_string_free(visible, FALSE);
}

void
text_append_line(GString *out, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *line = g_strdup_vprintf(format, args);
  va_end(args);
  g_autofree char *visible = text_visible(line);
  g_string_append(out, visible);
  g_string_append_c(out, '\n');
}
