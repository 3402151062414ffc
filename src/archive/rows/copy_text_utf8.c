#include "archive/rows/copy_text_utf8.h"

#include <string.h>

/* Skips bytes below 0x80, except zeros. */
static gsize
skip_ascii(const guint8 *data, gsize at, gsize size)
{
  const guint64 high_bits = 0x8080808080808080, ones = 0x0101010101010101;
  for (guint64 word; at + sizeof word <= size; at += sizeof word) {
    memcpy(&word, data + at, sizeof word);
    /* The second term has a high bit wherever a byte is zero, and only behind one elsewhere. */
    if (((word | (word - ones)) & high_bits) != 0)
      break;
  }
  while (at < size && data[at] != 0 && data[at] < 0x80)
    at++;
  return at;
}

/* The first byte of a character of several. */
static gboolean
begin_character(Utf8State *state, guint8 byte)
{
  if (byte < 0xC2 || byte > 0xF4)
    return FALSE;
  *state = (Utf8State){.n_left = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3, .low = 0x80, .high = 0xBF};
  if (byte == 0xE0)
    state->low = 0xA0;
  else if (byte == 0xED)
    state->high = 0x9F;
  else if (byte == 0xF0)
    state->low = 0x90;
  else if (byte == 0xF4)
    state->high = 0x8F;
  return TRUE;
}

gsize
utf8_valid_bytes(Utf8State *state, const guint8 *data, gsize size)
{
  for (gsize at = 0; at < size; at++) {
    if (state->n_left == 0) {
      at = skip_ascii(data, at, size);
      if (at == size)
        return size;
      if (!begin_character(state, data[at]))
        return at;
    } else if (data[at] < state->low || data[at] > state->high) {
      return at;
    } else {
      *state = (Utf8State){.n_left = (guint8)(state->n_left - 1), .low = 0x80, .high = 0xBF};
    }
  }
  return size;
}

/* A tab or newline of a value is written with a backslash and a letter: a raw one separates. */
gboolean
utf8_search_push(Utf8Search *search, const guint8 *data, gsize size)
{
  if (search->is_found)
    return TRUE;
  if (search->row == 0)
    search->row = 1;
  gsize valid = utf8_valid_bytes(&search->state, data, size);
  for (gsize i = 0; i < valid; i++) {
    if (data[i] == '\n') {
      search->row++;
      search->column = 0;
    } else if (data[i] == '\t') {
      search->column++;
    }
  }
  search->is_found = valid < size;
  return search->is_found;
}
