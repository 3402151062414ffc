/* Counts and hashes rows of COPY text, to compare sets of rows regardless of their order.
 *
 * The hash is the sum modulo 2^128 of XXH3-128 (seed 0) over each line, its newline included. It detects accidental
 * differences and does not protect against forgery. Pass the rows in pieces cut anywhere, without the end marker.
 * Each thread has its own RowHash, and the totals are added up. */
#pragma once

#include <glib.h>

typedef struct {
  guint64 rows;
  guint64 bytes; /* of COPY text, with newlines, without the end marker */
  guint64 hash_high, hash_low;
} RowTotals;

void row_totals_add(RowTotals *to, const RowTotals *from);
gboolean row_totals_equal(const RowTotals *a, const RowTotals *b);

#define ROW_HASH_TEXT_BYTES 33 /* 32 hexadecimal digits and a zero */
void row_totals_hash_text(const RowTotals *totals, char ret_text[ROW_HASH_TEXT_BYTES]);
gboolean row_totals_set_hash(RowTotals *totals, const char *text); /* FALSE: not 32 lower-case hexadecimal digits */

typedef struct RowHash RowHash;

RowHash *row_hash_new(void);
void row_hash_free(RowHash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RowHash, row_hash_free)

void row_hash_push(RowHash *hash, const guint8 *data, gsize size);

/* Returns the totals since the last take, and starts over. Bytes after the last newline count as a row. */
RowTotals row_hash_take(RowHash *hash);
