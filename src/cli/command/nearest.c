#include "cli/command/nearest.h"

#include <string.h>

enum { MAX_LETTERS = 40, LETTERS_PER_MISTAKE = 3 };

static guint
edit_distance(const char *a, gsize a_length, const char *b, gsize b_length)
{
  guint rows[3][MAX_LETTERS + 1];
  guint *before_last = rows[0], *last = rows[1], *now = rows[2];
  for (gsize j = 0; j <= b_length; j++)
    last[j] = (guint)j;
  for (gsize i = 1; i <= a_length; i++) {
    now[0] = (guint)i;
    for (gsize j = 1; j <= b_length; j++) {
      char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
      now[j] = MIN(MIN(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]))
        now[j] = MIN(now[j], before_last[j - 2] + 1);
    }
    guint *free_row = before_last;
    before_last = last;
    last = now;
    now = free_row;
  }
  return last[b_length];
}

const char *
nearest_word(const char *given, const char *const *words)
{
  gsize length = strlen(given);
  if (length == 0 || length > MAX_LETTERS)
    return NULL;
  const char *nearest = NULL;
  guint least = (guint)(length / LETTERS_PER_MISTAKE) + 1;
  for (; *words != NULL; words++) {
    gsize n = strlen(*words);
    if (n > MAX_LETTERS)
      continue;
    guint mistakes =
        length > 1 && g_ascii_strncasecmp(*words, given, length) == 0 ? 1 : edit_distance(given, length, *words, n);
    if (mistakes < least || (mistakes == least && nearest == NULL)) {
      least = mistakes;
      nearest = *words;
    }
  }
  return nearest;
}
