/* The parameters of an import or a preview, apart from its file, from a form or a JSON object. Unknown names are
 * refused, so that a typo cannot turn a merge into an overwrite. */
#pragma once

#include "backup/import/import.h"

#define HTTP_CHOICE_MAX_BYTES  (16 * 1024) /* per field */
#define HTTP_CHOICE_MAX_TABLES 256

typedef struct {
  gboolean clean_first, skip_logs, allow_incomplete, is_strict;
  BackupMethod method;
  BackupOnConflict on_conflict;
  GPtrArray *tables;             /* char *, with NULL behind the last; NULL: all */
  GPtrArray *without_extensions; /* likewise; NULL: none */
  char *upload_id;               /* NULL: the file is in the form */
  gboolean keep_upload;          /* the caller sets the default beforehand */
  gboolean while_uploading;      /* the upload may still be arriving */
  guint seen;                    /* a bit for each field that was present */
} HttpChoices;

void http_choices_clear(HttpChoices *choices);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpChoices, http_choices_clear)

/* All functions fail with REQUEST_PARAMETER, from_json also with REQUEST_MALFORMED_JSON. */

/* Whether a field is allowed (again); called before its value is read. */
gboolean http_choices_expect(const HttpChoices *choices, const char *name, GError **error);
/* Sets one field of a form. A list (`tables`, `withoutExtensions`) may occur several times, each time with several
 * names separated by commas. */
gboolean http_choices_set(HttpChoices *choices, const char *name, const char *text, GError **error);
/* Reads a whole JSON object: booleans are booleans, lists are arrays or strings. */
gboolean http_choices_from_json(HttpChoices *choices, const guint8 *text, gsize size, GError **error);
/* Checks that all fields go together, once all are set. */
gboolean http_choices_check(const HttpChoices *choices, GError **error);
/* The names in a list, for BackupImportOptions; NULL if it was not given. */
const char *const *http_choices_tables(const HttpChoices *choices);
const char *const *http_choices_without_extensions(const HttpChoices *choices);
