#include "archive/rows/row_hash.h"

#include <string.h>
#include <xxhash.h>

struct RowHash {
  RowTotals totals;
  gboolean is_in_line; /* `line` has the beginning of a line */
  XXH3_state_t *line;
};

static void
add(guint64 *high, guint64 *low, guint64 more_high, guint64 more_low)
{
  *low += more_low;
  *high += more_high + (*low < more_low ? 1 : 0);
}

void
row_totals_add(RowTotals *to, const RowTotals *from)
{
  to->rows += from->rows;
  to->bytes += from->bytes;
  add(&to->hash_high, &to->hash_low, from->hash_high, from->hash_low);
}

gboolean
row_totals_equal(const RowTotals *a, const RowTotals *b)
{
  return a->rows == b->rows && a->bytes == b->bytes && a->hash_high == b->hash_high && a->hash_low == b->hash_low;
}

void
row_totals_hash_text(const RowTotals *totals, char ret_text[ROW_HASH_TEXT_BYTES])
{
  g_snprintf(ret_text, ROW_HASH_TEXT_BYTES, "%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", totals->hash_high,
             totals->hash_low);
}

gboolean
row_totals_set_hash(RowTotals *totals, const char *text)
{
  guint64 halves[2] = {0};
  if (strlen(text) != ROW_HASH_TEXT_BYTES - 1 || strspn(text, "0123456789abcdef") != ROW_HASH_TEXT_BYTES - 1)
    return FALSE;
  for (gsize i = 0; i < ROW_HASH_TEXT_BYTES - 1; i++)
    halves[i / 16] = halves[i / 16] << 4 | (guint64)g_ascii_xdigit_value(text[i]);
  totals->hash_high = halves[0];
  totals->hash_low = halves[1];
  return TRUE;
}

RowHash *
row_hash_new(void)
{
  RowHash *hash = g_new0(RowHash, 1);
  hash->line = XXH3_createState();
  if (hash->line == NULL)
    g_error("out of memory"); /* as g_malloc does */
  return hash;
}

void
row_hash_free(RowHash *hash)
{
  if (hash == NULL)
    return;
  XXH3_freeState(hash->line);
  g_free(hash);
}

static void
add_row(RowHash *hash, XXH128_hash_t row)
{
  hash->totals.rows++;
  add(&hash->totals.hash_high, &hash->totals.hash_low, row.high64, row.low64);
}

static void
push_part(RowHash *hash, const guint8 *data, gsize size)
{
  if (!hash->is_in_line)
    XXH3_128bits_reset(hash->line);
  hash->is_in_line = TRUE;
  XXH3_128bits_update(hash->line, data, size);
}

static void
end_line(RowHash *hash)
{
  add_row(hash, XXH3_128bits_digest(hash->line));
  hash->is_in_line = FALSE;
}

void
row_hash_push(RowHash *hash, const guint8 *data, gsize size)
{
  hash->totals.bytes += size;
  const guint8 *end = data + size;
  while (data < end) {
    const guint8 *newline = memchr(data, '\n', (gsize)(end - data));
    if (newline == NULL) {
      push_part(hash, data, (gsize)(end - data));
      return;
    }
    gsize length = (gsize)(newline + 1 - data);
    if (hash->is_in_line) {
      push_part(hash, data, length);
      end_line(hash);
    } else {
      add_row(hash, XXH3_128bits(data, length));
    }
    data = newline + 1;
  }
}

RowTotals
row_hash_take(RowHash *hash)
{
  if (hash->is_in_line)
    end_line(hash);
  RowTotals totals = hash->totals;
  hash->totals = (RowTotals){0};
  return totals;
}
