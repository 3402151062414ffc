/* The parameters of an import or a preview besides its file, from a form or a JSON object. Unknown names are refused,
 * because a typo must not turn a merge into an overwrite. */
#pragma once

#include "backup/import/import.h"

#define HTTP_CHOICE_MAX_BYTES  (16 * 1024) /* of one field */
#define HTTP_CHOICE_MAX_TABLES 256

typedef struct {
  gboolean clean_first, skip_logs, allow_incomplete;
  BackupMethod method;
  BackupOnConflict on_conflict;
  GPtrArray *tables;    /* of char *, NULL behind the last; NULL: all */
  char *upload_id;      /* NULL: the file is in the form */
  gboolean keep_upload; /* set it to the default beforehand */
  guint seen;           /* a bit for each field that was given */
} HttpChoices;

void http_choices_clear(HttpChoices *choices);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpChoices, http_choices_clear)

/* Everything fails with REQUEST_PARAMETER, from_json also with REQUEST_MALFORMED_JSON. */

/* Whether a field may come (again): before its value is read. */
gboolean http_choices_expect(const HttpChoices *choices, const char *name, GError **error);
/* One field of a form. `tables` may come several times, and each time name several, separated by commas. */
gboolean http_choices_set(HttpChoices *choices, const char *name, const char *text, GError **error);
/* A whole JSON object: booleans are booleans, `tables` is an array or a string. */
gboolean http_choices_from_json(HttpChoices *choices, const guint8 *text, gsize size, GError **error);
/* Once all are there: whether they go together. */
gboolean http_choices_check(const HttpChoices *choices, GError **error);
/* The names of `tables`, for BackupImportOptions; NULL: all. */
const char *const *http_choices_tables(const HttpChoices *choices);
