/* Looks up rows of an archive in the live table, and stages those that it lacks.
 *
 * Keys and hashes of a chunk of rows go into a temporary table, and the server says which of them are unknown or have
 * another hash. Meanwhile the caller prepares the next chunk: ask sends `next`, judge takes the answer. */
#pragma once

#include "backup/merge/merge_table.h"
#include "backup/restore/way.h"

typedef enum {
  MERGE_ROW_EQUAL,
  MERGE_ROW_MISSING,
  MERGE_ROW_UNSURE /* there with another hash */
} MergeRowFate;

typedef struct {
  gsize start, size; /* offsets in the chunk's text, with the newline */
  MergeRowFate fate; /* EQUAL and asked for, or MISSING, until it is judged */
} MergeRow;

typedef struct {
  const guint8 *text; /* where the rows lie; the caller's, until they are judged */
  gsize size;         /* of all rows */
  GArray *rows;       /* MergeRow */
  GString *keys;      /* number, hash and key of each row that is asked for, as COPY text */
  guint n_asked;      /* lines in it */
} MergeChunk;

typedef struct {
  Restore *restore;
  gboolean stages_unsure; /* otherwise they are compared whole, and counted */
  gboolean is_compared;   /* FALSE: the server refused a value, and `different` is not known */
  guint64 different;
  char *ask; /* selects the rows that are not in the live table as they are, and whether they are missing */
  char *count_different;
  MergeChunk chunks[2];
  MergeChunk *next;  /* of these, the one to fill */
  MergeChunk *asked; /* of these, the one that the server looks up; NULL: none */
} MergeLookup;

/* `lookup` is zeroed. `key_list`: ", s.column" for each column of the identity, in the order of the keys' text. */
gboolean merge_lookup_begin(MergeLookup *lookup, Restore *restore, const MergeTable *table, gboolean stages_unsure,
                            const char *key_list, GError **error);
/* Sends the next chunk, after the one before was judged. The connection must not be used before judge or drop. */
gboolean merge_lookup_ask(MergeLookup *lookup, GError **error);
/* Takes the answer, and stages. `ret_chunk` is the judged chunk until the next ask; NULL: none was asked for. */
gboolean merge_lookup_judge(MergeLookup *lookup, const MergeChunk **ret_chunk, GError **error);
/* Ends a look-up whose answer is of no use any more. */
void merge_lookup_drop(MergeLookup *lookup);
/* Drops its tables. */
gboolean merge_lookup_end(MergeLookup *lookup, GError **error);
void merge_lookup_clear(MergeLookup *lookup);

guint merge_chunk_count(const MergeChunk *chunk, MergeRowFate fate);
