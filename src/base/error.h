/* The only error type: GError in the domain CCH_ERROR.
 *
 * A code (errors.def) has an HTTP status, exit code, errorCode and texts. The GError's message has the technical
 * detail. A function that can fail takes GError **error last and leaves its outputs alone on failure. Wrap an error
 * with the failed action by g_prefix_error: "restore table public.users: …". A PostgreSQL error keeps its SQLSTATE.
 */
#pragma once

#include "base/text.h"

#include <gio/gio.h>

typedef enum {
#define CCH_ERROR_DEF(name, http_status, exit_code, code, zh, en) CCH_ERROR_##name,
#include "base/errors.def"
#undef CCH_ERROR_DEF
  CCH_ERROR_COUNT
} ErrorCode;

#define CCH_ERROR (cch_error_quark())
GQuark cch_error_quark(void);

typedef struct {
  int http_status;
  int exit_code;
  const char *code;                 /* the stable errorCode, "backup.lock_held" */
  const char *text[LANGUAGE_COUNT]; /* a general description */
} ErrorInfo;

/* The table's entry for an error. Errors of foreign domains are mapped: a cancelled GIO operation is CANCELLED, a
 * full disk DISK_FULL, any other file error FILE, the rest INTERNAL. Never NULL. */
const ErrorInfo *error_info(const GError *error);
const ErrorInfo *error_info_of(ErrorCode code);

/* The code, by the same mapping. */
ErrorCode error_code(const GError *error);

void error_set(GError **error, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* CANCELLED. */
void error_set_cancelled(GError **error);
/* TRUE, with CANCELLED, if `cancellable` (may be NULL) is cancelled. */
gboolean error_if_cancelled(GCancellable *cancellable, GError **error);
/* error_set with a sentence of texts.def (one without arguments) that replaces the code's own text: it names the
 * case and says what to do. */
void error_set_explained(GError **error, ErrorCode code, TextId explanation, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* IMPORT_FILE_TOO_LARGE; the text names the limit, in MB of 1024 × 1024 bytes. */
void error_set_file_too_large(GError **error, guint64 limit_bytes, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The description in the reader's language: the error's own explanation, otherwise its code's text. */
const char *error_text(const GError *error, Language language);

/* Sets the code for an errno value, DISK_FULL for ENOSPC and EDQUOT, otherwise FILE; appends ": <strerror>". */
void error_set_errno(GError **error, int saved_errno, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* error_set that keeps the SQLSTATE, and the name of the server's C function that raised the error (either may be
 * NULL). */
void error_set_sql(GError **error, ErrorCode code, const char *sqlstate, const char *source_function,
                   const char *format, ...) G_GNUC_PRINTF(5, 6);

/* The five characters, or "" if the error is not from PostgreSQL. */
const char *error_sqlstate(const GError *error);
/* `sqlstate` is from pg/connection/sqlstate.h; FALSE for NULL. */
gboolean error_has_sqlstate(const GError *error, const char *sqlstate);
const char *error_source_function(const GError *error);
