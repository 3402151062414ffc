/* Finds the known word nearest to a misspelt one. */
#pragma once

#include <glib.h>

/* The word of `words` (NULL-terminated) with the fewest letters added, omitted, changed or swapped with their
 * neighbour (Damerau-Levenshtein distance, ignoring ASCII case), or that begins with `given`; NULL if none is near.
 * Owned by `words`. */
const char *nearest_word(const char *given, const char *const *words);
