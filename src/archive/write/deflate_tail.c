#include "archive/write/deflate_tail.h"

#include <string.h>

#define MAX_CODE_BITS    15
#define N_LITERALS       288
#define N_DISTANCES      32
#define N_LENGTH_LENGTHS 19
#define END_OF_BLOCK     256

enum { BLOCK_STORED = 0, BLOCK_FIXED = 1, BLOCK_DYNAMIC = 2 };

/* The meaning of the next bits: how many of them belong to the symbol, extra bits included (0: not a symbol). */
#define CODE_BITS     0x3f
#define CODE_IS_MATCH 0x40 /* a distance follows */
#define CODE_IS_END   0x80

/* The symbol's number in the code for the lengths of the other codes. */
#define CODE_SYMBOL_SHIFT 8

typedef struct {
  guint bits; /* number of bits that index the table */
  guint16 codes[1 << MAX_CODE_BITS];
} Table;

struct DeflateTail {
  Table literals;
  Table distances;
};

/* Bits of a byte come lowest first. Zeros follow the end; the position shows whether any were used. */
typedef struct {
  const guint8 *data;
  gsize size;
  gsize at; /* of the next byte to load; may be beyond size */
  guint64 bits;
  guint n_bits;
} Bits;

DeflateTail *
deflate_tail_new(void)
{
  return g_new(DeflateTail, 1);
}

void
deflate_tail_free(DeflateTail *tail)
{
  g_free(tail);
}

/* At least 56 bits are loaded afterwards. */
static inline void
refill(Bits *bits)
{
  if (bits->at + 8 <= bits->size) {
    guint64 word;
    memcpy(&word, bits->data + bits->at, 8);
    bits->bits |= GUINT64_FROM_LE(word) << bits->n_bits;
    bits->at += (63 - bits->n_bits) >> 3;
    bits->n_bits |= 56;
    return;
  }
  for (; bits->n_bits <= 56; bits->n_bits += 8, bits->at++)
    bits->bits |= (guint64)(bits->at < bits->size ? bits->data[bits->at] : 0) << bits->n_bits;
}

static inline void
drop(Bits *bits, guint n)
{
  bits->bits >>= n;
  bits->n_bits -= n;
}

static guint
take(Bits *bits, guint n)
{
  refill(bits);
  guint value = (guint)(bits->bits & ((1u << n) - 1));
  drop(bits, n);
  return value;
}

static gsize
position(const Bits *bits)
{
  return bits->at * 8 - bits->n_bits;
}

static guint
reverse(guint code, guint length)
{
  guint reversed = 0;
  for (guint i = 0; i < length; i++)
    reversed |= ((code >> i) & 1) << (length - 1 - i);
  return reversed;
}

/* RFC 1951, 3.2.2: codes of one length are consecutive, in the order of the symbols. `meanings` lack the code's own
 * bits. FALSE if there are too many codes. */
static gboolean
build(Table *table, const guint8 *lengths, const guint16 *meanings, guint n_symbols)
{
  guint counts[MAX_CODE_BITS + 1] = {0}, next[MAX_CODE_BITS + 1] = {0};
  for (guint i = 0; i < n_symbols; i++)
    counts[lengths[i]]++;
  table->bits = 1;
  guint code = 0;
  for (guint length = 1; length <= MAX_CODE_BITS; length++) {
    code = (code + (length > 1 ? counts[length - 1] : 0)) << 1;
    next[length] = code;
    if (code + counts[length] > 1u << length)
      return FALSE;
    if (counts[length] > 0)
      table->bits = length;
  }
  memset(table->codes, 0, sizeof table->codes[0] << table->bits);
  for (guint i = 0; i < n_symbols; i++) {
    guint length = lengths[i];
    if (length == 0)
      continue;
    for (guint at = reverse(next[length]++, length); at < 1u << table->bits; at += 1u << length)
      table->codes[at] = (guint16)(meanings[i] + length);
  }
  return TRUE;
}

static inline guint
look_up(const Table *table, const Bits *bits)
{
  return table->codes[bits->bits & ((1u << table->bits) - 1)];
}

/* RFC 1951, 3.2.5. */
static gboolean
build_both(DeflateTail *tail, const guint8 *literal_lengths, const guint8 *distance_lengths)
{
  guint16 literals[N_LITERALS] = {0}, distances[N_DISTANCES] = {0};
  literals[END_OF_BLOCK] = CODE_IS_END;
  for (guint i = END_OF_BLOCK + 1; i < N_LITERALS; i++) {
    guint extra = i < 265 || i == 285 ? 0 : (i - 261) / 4;
    literals[i] = (guint16)(CODE_IS_MATCH + extra);
  }
  for (guint i = 4; i < N_DISTANCES; i++)
    distances[i] = (guint16)(i / 2 - 1);
  return build(&tail->literals, literal_lengths, literals, N_LITERALS) &&
         build(&tail->distances, distance_lengths, distances, N_DISTANCES);
}

static gboolean
read_fixed(DeflateTail *tail)
{
  guint8 literals[N_LITERALS], distances[N_DISTANCES];
  memset(literals, 8, 144);
  memset(literals + 144, 9, 112);
  memset(literals + 256, 7, 24);
  memset(literals + 280, 8, 8);
  memset(distances, 5, sizeof distances);
  return build_both(tail, literals, distances);
}

/* The lengths of both codes, written in a code with repetitions (RFC 1951, 3.2.7). */
static gboolean
read_lengths(Bits *bits, const Table *table, guint8 *lengths, guint n_lengths)
{
  for (guint n = 0; n < n_lengths;) {
    refill(bits);
    guint code = look_up(table, bits);
    if ((code & CODE_BITS) == 0)
      return FALSE;
    drop(bits, code & CODE_BITS);
    guint symbol = code >> CODE_SYMBOL_SHIFT;
    if (symbol < 16) {
      lengths[n++] = (guint8)symbol;
      continue;
    }
    guint times = symbol == 16 ? 3 + take(bits, 2) : symbol == 17 ? 3 + take(bits, 3) : 11 + take(bits, 7);
    if (times > n_lengths - n || (symbol == 16 && n == 0))
      return FALSE;
    memset(lengths + n, symbol == 16 ? lengths[n - 1] : 0, times);
    n += times;
  }
  return TRUE;
}

static gboolean
read_dynamic(DeflateTail *tail, Bits *bits)
{
  static const guint8 order[N_LENGTH_LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  guint n_literals = 257 + take(bits, 5), n_distances = 1 + take(bits, 5), n_lengths = 4 + take(bits, 4);
  guint8 length_lengths[N_LENGTH_LENGTHS] = {0}, lengths[N_LITERALS + N_DISTANCES] = {0};
  guint16 symbols[N_LENGTH_LENGTHS];
  for (guint i = 0; i < n_lengths; i++)
    length_lengths[order[i]] = (guint8)take(bits, 3);
  for (guint i = 0; i < N_LENGTH_LENGTHS; i++)
    symbols[i] = (guint16)(i << CODE_SYMBOL_SHIFT);
  if (n_literals > N_LITERALS || !build(&tail->literals, length_lengths, symbols, N_LENGTH_LENGTHS) ||
      !read_lengths(bits, &tail->literals, lengths, n_literals + n_distances))
    return FALSE;
  guint8 literals[N_LITERALS] = {0}, distances[N_DISTANCES] = {0};
  memcpy(literals, lengths, n_literals);
  memcpy(distances, lengths + n_literals, n_distances);
  return build_both(tail, literals, distances);
}

static gboolean
skip_stored(Bits *bits)
{
  gsize start = (position(bits) + 7) / 8;
  if (start + 4 > bits->size)
    return FALSE;
  const guint8 *lengths = bits->data + start;
  guint length = lengths[0] | (guint)lengths[1] << 8, check = lengths[2] | (guint)lengths[3] << 8;
  if (length != (check ^ 0xffff) || length > bits->size - start - 4)
    return FALSE;
  *bits = (Bits){.data = bits->data, .size = bits->size, .at = start + 4 + length};
  return TRUE;
}

static gboolean
skip_symbols(const DeflateTail *tail, Bits *bits)
{
  while (bits->at <= bits->size + 8) {
    refill(bits);
    guint code = look_up(&tail->literals, bits);
    drop(bits, code & CODE_BITS);
    if ((code & CODE_IS_MATCH) != 0) {
      code = look_up(&tail->distances, bits);
      drop(bits, code & CODE_BITS);
    }
    if ((code & CODE_BITS) == 0)
      return FALSE;
    if ((code & CODE_IS_END) != 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
skip_block(DeflateTail *tail, Bits *bits, guint type)
{
  switch (type) {
  case BLOCK_STORED:
    return skip_stored(bits);
  case BLOCK_FIXED:
    return read_fixed(tail) && skip_symbols(tail, bits);
  case BLOCK_DYNAMIC:
    return read_dynamic(tail, bits) && skip_symbols(tail, bits);
  default:
    return FALSE;
  }
}

gboolean
deflate_tail_reopen(DeflateTail *tail, guint8 *data, gsize *size, gsize capacity)
{
  Bits bits = {.data = data, .size = *size};
  gsize header;
  gboolean is_final;
  do {
    header = position(&bits);
    is_final = take(&bits, 1) == 1;
    if (!skip_block(tail, &bits, take(&bits, 2)))
      return FALSE;
  } while (!is_final);
  gsize end = position(&bits);
  if ((end + 7) / 8 != *size || *size + DEFLATE_TAIL_MAX_BYTES > capacity)
    return FALSE;

  data[header / 8] &= (guint8) ~(1u << header % 8);
  /* A stored block: three zero bits, zero bits up to the next byte, its length 0, and that inverted. */
  if (end % 8 != 0)
    data[end / 8] &= (guint8)((1u << end % 8) - 1);
  gsize used = (end + 3 + 7) / 8;
  if (used > *size)
    data[*size] = 0;
  memcpy(data + used, "\x00\x00\xff\xff", 4);
  *size = used + 4;
  return TRUE;
}
