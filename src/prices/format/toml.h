/* Converts TOML 1.0 to JSON with toml++: the only C++ code, behind one C function. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TOML_MAX_DEPTH = 64 };

typedef struct {
  char text[256]; /* the problem, in English */
  unsigned line, column;
  int is_too_deep;
} TomlProblem;

/* The document as JSON. Decimals are as written (without underscores and a leading plus); dates and times are
 * strings; nan and inf are NaN, Infinity and -Infinity, which json_scan.h accepts. `text` must be valid UTF-8
 * without a byte order mark. Free with free(3). NULL: see `ret_problem`; line 0 means out of memory.
 */
char *toml_to_json(const char *text, size_t size, size_t *ret_size, TomlProblem *ret_problem);

#ifdef __cplusplus
}
#endif
