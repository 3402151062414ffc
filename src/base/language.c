#include "base/language.h"

#include <glib.h>
#include <string.h>

/* A quality value as an integer 0 to 1000; an absent one is 1000, a malformed one 0. */
static int
parse_quality(const char *parameters)
{
  for (const char *p = parameters; p != NULL; p = strchr(p, ';')) {
    while (*p == ';' || *p == ' ' || *p == '\t')
      p++;
    if ((*p == 'q' || *p == 'Q') && p[1] == '=') {
      double value = g_ascii_strtod(p + 2, NULL);
      return value > 0 && value <= 1 ? (int)(value * 1000) : 0;
    }
  }
  return 1000;
}

Language
language_from_accept(const char *accept_language)
{
  if (accept_language == NULL)
    return LANGUAGE_ZH_CN;
  g_auto(GStrv) ranges = g_strsplit(accept_language, ",", 32);
  Language best = LANGUAGE_ZH_CN;
  int best_quality = 0;
  for (char **range = ranges; *range != NULL; range++) {
    const char *tag = g_strstrip(*range);
    int quality = parse_quality(strchr(tag, ';'));
    gboolean is_chinese = g_ascii_strncasecmp(tag, "zh", 2) == 0;
    gboolean is_english = g_ascii_strncasecmp(tag, "en", 2) == 0;
    if ((is_chinese || is_english) && !g_ascii_isalpha(tag[2]) && quality > best_quality) {
      best = is_english ? LANGUAGE_EN : LANGUAGE_ZH_CN;
      best_quality = quality;
    }
  }
  return best;
}

Language
language_from_locale(void)
{
  static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  for (gsize i = 0; i < G_N_ELEMENTS(variables); i++) {
    const char *value = g_getenv(variables[i]);
    if (value != NULL && *value != '\0')
      return g_str_has_prefix(value, "zh") ? LANGUAGE_ZH_CN : LANGUAGE_EN;
  }
  return LANGUAGE_EN;
}
