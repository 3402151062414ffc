/* A set of integer keys in bounded memory: a bit each for dense keys, as serial columns have them. */
#pragma once

#include <glib.h>

typedef struct MergeSeen MergeSeen;

MergeSeen *merge_seen_new(void);
void merge_seen_free(MergeSeen *seen);

/* Adds a key in decimal. FALSE if it was added before, is no 64-bit integer, or there is no room to know. */
gboolean merge_seen_add(MergeSeen *seen, const guint8 *text, gsize size);
