#include "base/text.h"

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
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the catalogue's conversions are compared by a test */
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
