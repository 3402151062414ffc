#include "base/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

static const ErrorInfo error_table[CCH_ERROR_COUNT] = {
#define CCH_ERROR_DEF(name, http_status, exit_code, code, zh, en)                                                      \
  [CCH_ERROR_##name] = {http_status, exit_code, code, {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en}},
#include "base/errors.def"
#undef CCH_ERROR_DEF
};

typedef struct {
  char sqlstate[6];
  char source_function[64]; /* NAMEDATALEN */
  char *explanation[LANGUAGE_COUNT];
} CchErrorPrivate;

static void
cch_error_private_init(CchErrorPrivate *priv)
{
  memset(priv, 0, sizeof *priv);
}

static void
cch_error_private_copy(const CchErrorPrivate *from, CchErrorPrivate *to)
{
  *to = *from;
  for (guint i = 0; i < LANGUAGE_COUNT; i++)
    to->explanation[i] = g_strdup(from->explanation[i]);
}

static void
cch_error_private_clear(CchErrorPrivate *priv)
{
  for (guint i = 0; i < LANGUAGE_COUNT; i++)
    g_free(priv->explanation[i]);
}

G_DEFINE_EXTENDED_ERROR(CchError, cch_error)

ErrorCode
error_code(const GError *error)
{
  if (error->domain == CCH_ERROR)
    return (ErrorCode)error->code;
  if (error->domain == G_IO_ERROR && error->code == G_IO_ERROR_CANCELLED)
    return CCH_ERROR_CANCELLED;
  if ((error->domain == G_IO_ERROR && error->code == G_IO_ERROR_NO_SPACE) ||
      (error->domain == G_FILE_ERROR && error->code == G_FILE_ERROR_NOSPC))
    return CCH_ERROR_DISK_FULL;
  if (error->domain == G_FILE_ERROR)
    return CCH_ERROR_FILE;
  if (error->domain == G_OPTION_ERROR)
    return CCH_ERROR_USAGE;
  return CCH_ERROR_INTERNAL;
}

const ErrorInfo *
error_info_of(ErrorCode code)
{
  g_return_val_if_fail((unsigned)code < CCH_ERROR_COUNT, &error_table[CCH_ERROR_INTERNAL]);
  return &error_table[code];
}

const ErrorInfo *
error_info(const GError *error)
{
  return error_info_of(error_code(error));
}

void
error_set(GError **error, ErrorCode code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  GError *made = g_error_new_valist(CCH_ERROR, (int)code, format, args);
  va_end(args);
  g_propagate_error(error, made);
}

void
error_set_cancelled(GError **error)
{
  error_set(error, CCH_ERROR_CANCELLED, "cancelled");
}

gboolean
error_if_cancelled(GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_is_cancelled(cancellable))
    return FALSE;
  error_set_cancelled(error);
  return TRUE;
}

void
error_set_explained(GError **error, ErrorCode code, TextId explanation, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  GError *made = g_error_new_valist(CCH_ERROR, (int)code, format, args);
  va_end(args);
  for (guint i = 0; i < LANGUAGE_COUNT; i++)
    cch_error_get_private(made)->explanation[i] = g_strdup(text_get(explanation, (Language)i));
  g_propagate_error(error, made);
}

void
error_set_file_too_large(GError **error, guint64 limit_bytes, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  GError *made = g_error_new_valist(CCH_ERROR, CCH_ERROR_IMPORT_FILE_TOO_LARGE, format, args);
  va_end(args);
  const guint64 megabyte = 1024 * 1024;
  g_autofree char *limit = limit_bytes % megabyte == 0
                               ? g_strdup_printf("%" G_GUINT64_FORMAT, limit_bytes / megabyte)
                               : g_strdup_printf("%.2f", (double)limit_bytes / (double)megabyte);
  for (guint i = 0; i < LANGUAGE_COUNT; i++)
    cch_error_get_private(made)->explanation[i] = text_format(TEXT_FILE_TOO_LARGE, (Language)i, limit);
  g_propagate_error(error, made);
}

const char *
error_text(const GError *error, Language language)
{
  const char *explanation = error->domain == CCH_ERROR ? cch_error_get_private(error)->explanation[language] : NULL;
  return explanation != NULL ? explanation : error_info(error)->text[language];
}

void
error_set_errno(GError **error, int saved_errno, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *what = g_strdup_vprintf(format, args);
  va_end(args);
  gboolean is_full = saved_errno == ENOSPC || saved_errno == EDQUOT;
  error_set(error, is_full ? CCH_ERROR_DISK_FULL : CCH_ERROR_FILE, "%s: %s", what, g_strerror(saved_errno));
}

void
error_set_sql(GError **error, ErrorCode code, const char *sqlstate, const char *source_function, const char *format,
              ...)
{
  va_list args;
  va_start(args, format);
  GError *made = g_error_new_valist(CCH_ERROR, (int)code, format, args);
  va_end(args);
  CchErrorPrivate *priv = cch_error_get_private(made);
  g_strlcpy(priv->sqlstate, sqlstate != NULL ? sqlstate : "", sizeof priv->sqlstate);
  g_strlcpy(priv->source_function, source_function != NULL ? source_function : "", sizeof priv->source_function);
  g_propagate_error(error, made);
}

const char *
error_sqlstate(const GError *error)
{
  return error->domain == CCH_ERROR ? cch_error_get_private(error)->sqlstate : "";
}

const char *
error_source_function(const GError *error)
{
  return error->domain == CCH_ERROR ? cch_error_get_private(error)->source_function : "";
}

gboolean
error_has_sqlstate(const GError *error, const char *sqlstate)
{
  return error != NULL && strcmp(error_sqlstate(error), sqlstate) == 0;
}
