/* The catalogue of messages, except errors. Each is a line of texts.def, with the same printf conversions in both
 * languages (a test compares them). */
#pragma once

#include "base/language.h"

#include <glib.h>

typedef enum {
#define CCH_TEXT_DEF(name, zh, en) TEXT_##name,
#include "base/texts.def"
#undef CCH_TEXT_DEF
  TEXT_COUNT
} TextId;

/* The text itself. */
const char *text_get(TextId id, Language language);

/* The text with its arguments filled in; free with g_free. */
char *text_format(TextId id, Language language, ...);
char *text_vformat(TextId id, Language language, va_list args);

/* The text in a form that is safe for a terminal: valid UTF-8, with control characters shown as "\n", "\x1b". Free
 * with g_free. */
char *text_visible(const char *text);
/* Appends the formatted text in that form, and a line break. */
void text_append_line(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
