#include "archive/write/deflate_tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <libdeflate.h>
#include <zlib.h>

#define MAX_BYTES (1200 * 1000)
enum { MAX_LEVEL = 12 };

typedef struct {
  DeflateTail *tail;
  struct libdeflate_compressor *compressors[MAX_LEVEL + 1]; /* made when needed; each has up to megabytes of tables */
  guint8 *stored;
  gsize capacity;
} Fixture;

static int
set_up(void **state)
{
  Fixture *fixture = g_new0(Fixture, 1);
  fixture->tail = deflate_tail_new();
  fixture->capacity = MAX_BYTES * 2;
  fixture->stored = g_malloc(fixture->capacity);
  *state = fixture;
  return 0;
}

static int
tear_down(void **state)
{
  Fixture *fixture = *state;
  deflate_tail_free(fixture->tail);
  for (int level = 0; level <= MAX_LEVEL; level++)
    libdeflate_free_compressor(fixture->compressors[level]);
  g_free(fixture->stored);
  g_free(fixture);
  return 0;
}

/* The reopened stream ends at a byte boundary, is not finished, and holds the data; a final block may follow. */
static void
assert_reopened(const guint8 *stored, gsize size, const void *data, gsize data_size)
{
  static const guint8 final_block[] = {0x01, 0x00, 0x00, 0xff, 0xff};
  g_autofree guint8 *out = g_malloc(data_size + 1);
  z_stream stream = {
      .next_in = (Bytef *)stored, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)data_size + 1};
  assert_int_equal(inflateInit2(&stream, -15), Z_OK);
  int code = inflate(&stream, Z_SYNC_FLUSH);
  assert_true(code == Z_OK || code == Z_BUF_ERROR);
  assert_int_equal(stream.avail_in, 0);
  assert_int_equal(stream.total_out, data_size);
  if (data_size > 0)
    assert_memory_equal(out, data, data_size);
  stream.next_in = (Bytef *)final_block;
  stream.avail_in = sizeof final_block;
  assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
  assert_int_equal(stream.total_out, data_size);
  inflateEnd(&stream);
}

static void
check_libdeflate(Fixture *fixture, int level, const guint8 *data, gsize size)
{
  if (fixture->compressors[level] == NULL)
    fixture->compressors[level] = libdeflate_alloc_compressor(level);
  gsize stored =
      libdeflate_deflate_compress(fixture->compressors[level], data, size, fixture->stored, fixture->capacity);
  assert_true(stored > 0);
  assert_true(deflate_tail_reopen(fixture->tail, fixture->stored, &stored, fixture->capacity));
  assert_reopened(fixture->stored, stored, data, size);
}

static void
check_zlib(Fixture *fixture, int level, int strategy, const guint8 *data, gsize size)
{
  z_stream stream = {.next_in = (Bytef *)data,
                     .avail_in = (uInt)size,
                     .next_out = fixture->stored,
                     .avail_out = (uInt)fixture->capacity};
  assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy), Z_OK);
  assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
  gsize stored = stream.total_out;
  deflateEnd(&stream);
  assert_true(deflate_tail_reopen(fixture->tail, fixture->stored, &stored, fixture->capacity));
  assert_reopened(fixture->stored, stored, data, size);
}

/* All forms of blocks: stored, fixed and dynamic codes, no and long matches, codes of all lengths. */
static void
check(Fixture *fixture, const guint8 *data, gsize size)
{
  for (int level = 0; level <= MAX_LEVEL; level++)
    check_libdeflate(fixture, level, data, size);
  for (int level = 0; level <= 9; level += 3)
    for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy++)
      check_zlib(fixture, level, strategy, data, size);
}

static void
fill_text(guint8 *data, gsize size, GRand *random)
{
  for (gsize at = 0; at < size;) {
    char line[64];
    int n = g_snprintf(line, sizeof line, "%u\tuser%u\t2025-01-%02u\t\\N\n", g_rand_int(random) % 100000,
                       g_rand_int(random) % 50, g_rand_int(random) % 28 + 1);
    gsize length = MIN((gsize)n, size - at);
    memcpy(data + at, line, length);
    at += length;
  }
}

static void
fill_noise(guint8 *data, gsize size, GRand *random)
{
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8)g_rand_int(random);
}

/* Each byte is half as frequent as the previous one, for the longest possible codes. */
static void
fill_skewed(guint8 *data, gsize size, GRand *random)
{
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8)__builtin_ctz(g_rand_int(random) | 1u << 31);
}

static void
fill_runs(guint8 *data, gsize size, GRand *random)
{
  for (gsize at = 0; at < size;) {
    gsize length = MIN(1 + g_rand_int(random) % 5000, size - at);
    memset(data + at, (guint8)g_rand_int(random), length);
    at += length;
  }
}

static void
streams_of_every_kind_and_size_are_reopened(void **state)
{
  static void (*const fills[])(guint8 *, gsize, GRand *) = {fill_text, fill_noise, fill_skewed, fill_runs};
  static const gsize sizes[] = {1, 2, 3, 100, 4095, 65535, 65536, 300001};
  g_autoptr(GRand) random = g_rand_new_with_seed(7);
  g_autofree guint8 *data = g_malloc(MAX_BYTES);
  for (gsize f = 0; f < G_N_ELEMENTS(fills); f++) {
    for (gsize s = 0; s < G_N_ELEMENTS(sizes); s++) {
      fills[f](data, sizes[s], random);
      check(*state, data, sizes[s]);
    }
  }
}

static void
an_empty_stream_is_reopened(void **state)
{
  check(*state, (const guint8 *)"", 0);
}

static void
blocks_of_different_kinds_in_one_stream_are_passed(void **state)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(8);
  g_autofree guint8 *data = g_malloc(MAX_BYTES);
  for (gsize at = 0; at < MAX_BYTES; at += MAX_BYTES / 4)
    (at % (MAX_BYTES / 2) == 0 ? fill_text : fill_noise)(data + at, MAX_BYTES / 4, random);
  for (int level = 1; level <= 7; level++)
    check_libdeflate(*state, level, data, MAX_BYTES);
}

/* Many small streams cover every number of bits in the last byte. */
static void
every_alignment_of_the_end_is_met(void **state)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(9);
  guint8 data[200];
  for (int i = 0; i < 3000; i++) {
    gsize size = 1 + g_rand_int(random) % sizeof data;
    (i % 2 == 0 ? fill_text : fill_skewed)(data, size, random);
    check_libdeflate(*state, 1 + i % 9, data, size);
  }
}

static void
what_is_not_one_whole_stream_is_left_as_it_is(void **state)
{
  Fixture *fixture = *state;
  guint8 data[3000];
  g_autoptr(GRand) random = g_rand_new_with_seed(10);
  fill_text(data, sizeof data, random);
  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
  gsize size = libdeflate_deflate_compress(compressor, data, sizeof data, fixture->stored, fixture->capacity);
  libdeflate_free_compressor(compressor);
  g_autofree guint8 *whole = g_memdup2(fixture->stored, size);
  for (gsize cut = 0; cut < size; cut++) {
    gsize stored = cut;
    assert_false(deflate_tail_reopen(fixture->tail, fixture->stored, &stored, fixture->capacity));
    assert_int_equal(stored, cut);
  }
  gsize longer = size + 1, stored = size;
  assert_false(deflate_tail_reopen(fixture->tail, fixture->stored, &longer, fixture->capacity));
  assert_false(deflate_tail_reopen(fixture->tail, fixture->stored, &stored, size + DEFLATE_TAIL_MAX_BYTES - 1));
  assert_memory_equal(fixture->stored, whole, size);
}

static void
a_stream_with_impossible_codes_is_refused(void **state)
{
  Fixture *fixture = *state;
  static const guint8 streams[][8] = {
      {0x07},                                           /* block type 3 */
      {0x01, 0x01, 0x00, 0x00, 0x00},                   /* stored, whose lengths do not agree */
      {0x01, 0x05, 0x00, 0xfa, 0xff, 'a'},              /* stored, longer than the stream */
      {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* more code lengths than fit */
      {0x05, 0xc0, 0x01},                               /* a code that repeats nothing */
  };
  for (gsize i = 0; i < G_N_ELEMENTS(streams); i++) {
    gsize size = sizeof streams[i];
    memcpy(fixture->stored, streams[i], size);
    assert_false(deflate_tail_reopen(fixture->tail, fixture->stored, &size, fixture->capacity));
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_of_every_kind_and_size_are_reopened),
      cmocka_unit_test(an_empty_stream_is_reopened),
      cmocka_unit_test(blocks_of_different_kinds_in_one_stream_are_passed),
      cmocka_unit_test(every_alignment_of_the_end_is_met),
      cmocka_unit_test(what_is_not_one_whole_stream_is_left_as_it_is),
      cmocka_unit_test(a_stream_with_impossible_codes_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
