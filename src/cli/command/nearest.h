/* The nearest known word to a misspelt one. */
#pragma once

#include <glib.h>

/* The word of `words` (NULL-terminated) with the fewest letters added, left out, changed or swapped with their
 * neighbour (Damerau-Levenshtein distance, ASCII case apart), or that `given` is the beginning of; NULL when none is
 * near. Owned by `words`. */
const char *nearest_word(const char *given, const char *const *words);
