/* TOML 1.0 to JSON, by toml++: the one piece of C++, behind one function in C. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TOML_MAX_DEPTH = 64 };

typedef struct {
  char text[256]; /* what is wrong, in English */
  unsigned line, column;
  int is_too_deep;
} TomlProblem;

/* The document as JSON, with each decimal as it was written (only underscores and a leading plus are left out), dates
 * and times as strings, and nan and inf as NaN, Infinity and -Infinity, which json_scan.h knows. `text` must be valid
 * UTF-8 without a byte order mark. Free with free(3). NULL: see `ret_problem`; a line of 0 means that memory ran out.
 */
char *toml_to_json(const char *text, size_t size, size_t *ret_size, TomlProblem *ret_problem);

#ifdef __cplusplus
}
#endif
