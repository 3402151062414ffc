#include "prices/sync/download.h"

#include "base/error.h"
#include "base/wait.h"

enum { PAUSE_MS = 500, MAX_PAUSE_MS = 30000 };

void
download_clear(Download *download)
{
  price_table_free(download->table);
  g_free(download->url);
  g_free(download->etag);
  g_free(download->last_modified);
  *download = (Download){0};
}

/* Parses a mirror's answer; FALSE with the reason. */
static gboolean
read_answer(const FetchAnswer *answer, const char *url, Download *download, GError **error)
{
  g_autofree char *shown = fetch_url_display(url);
  if (answer->status == 304)
    return TRUE;
  if (answer->status != 200) {
    error_set(error, CCH_ERROR_PRICES_UPSTREAM, "%s: HTTP %u", shown, answer->status);
    return FALSE;
  }
  g_autoptr(GError) problem = NULL;
  download->table = price_table_parse(answer->body->str, answer->body->len, PRICE_ORIGIN_SYNC, &problem);
  if (download->table == NULL) {
    error_set(error, CCH_ERROR_PRICES_UPSTREAM, "%s: %s", shown, problem->message);
    return FALSE;
  }
  /* JSON ends with its last brace; TOML ends where the file does. */
  if (answer->is_end_known || download->table->format != PRICE_FORMAT_TOML)
    return TRUE;
  g_clear_pointer(&download->table, price_table_free);
  error_set(error, CCH_ERROR_PRICES_UPSTREAM,
            "%s: the server does not say how long its TOML is (Content-Length), so that it may have been cut", shown);
  return FALSE;
}

/* `ret_is_final`: trying again would not help. */
static gboolean
try_mirror(const DownloadOptions *options, const char *url, Download *download, gboolean *ret_is_final,
           GCancellable *cancellable, GError **error)
{
  gboolean is_known = g_strcmp0(options->known_url, url) == 0;
  FetchRequest request = {.url = url,
                          .etag = is_known ? options->etag : NULL,
                          .last_modified = is_known ? options->last_modified : NULL,
                          .timeout_ms = options->timeout_ms,
                          .max_bytes = PRICES_MAX_BYTES,
                          .allow_other_hosts = options->allow_other_hosts,
                          .other_hosts_hint = "--price-sync-redirects (PRICE_SYNC_REDIRECTS) allows it"};
  g_auto(FetchAnswer) answer = {0};
  *ret_is_final = FALSE;
  if (!fetch(&request, &answer, cancellable, error))
    return FALSE;
  download->status = answer.status;
  if (!read_answer(&answer, url, download, error)) {
    *ret_is_final = answer.status != 200 && !fetch_status_is_transient(answer.status);
    return FALSE;
  }
  download->url = g_strdup(url);
  download->etag = g_steal_pointer(&answer.etag);
  download->last_modified = g_steal_pointer(&answer.last_modified);
  return TRUE;
}

/* Half to one and a half times the round's pause, so that many instances do not retry together. */
static guint
pause_ms(guint round)
{
  guint pause = MIN(PAUSE_MS << MIN(round, 10), MAX_PAUSE_MS);
  return pause / 2 + (guint)g_random_int_range(0, (gint32)pause);
}

/* TRUE if one of them had the table. `ret_is_final`: no mirror is worth another attempt. */
static gboolean
try_mirrors(const DownloadOptions *options, Download *download, GString *reasons, gboolean *ret_is_final,
            GCancellable *cancellable)
{
  *ret_is_final = TRUE;
  g_string_truncate(reasons, 0);
  for (guint i = 0; options->urls[i] != NULL; i++) {
    gboolean is_final = FALSE;
    g_autoptr(GError) problem = NULL;
    if (try_mirror(options, options->urls[i], download, &is_final, cancellable, &problem))
      return TRUE;
    g_string_append_printf(reasons, "%s%s", reasons->len > 0 ? "; " : "", problem->message);
    *ret_is_final = *ret_is_final && is_final;
    if (g_cancellable_is_cancelled(cancellable))
      return FALSE;
  }
  return FALSE;
}

gboolean
download_prices(const DownloadOptions *options, Download *ret_download, GCancellable *cancellable, GError **error)
{
  g_autoptr(GString) reasons = g_string_new(NULL);
  for (guint round = 0; round < options->rounds; round++) {
    gboolean is_final = FALSE;
    if (round > 0 && !sleep_ms(pause_ms(round), cancellable, NULL))
      break;
    if (try_mirrors(options, ret_download, reasons, &is_final, cancellable))
      return TRUE;
    if (is_final || g_cancellable_is_cancelled(cancellable))
      break;
  }
  if (g_cancellable_is_cancelled(cancellable))
    error_set_cancelled(error);
  else
    error_set(error, CCH_ERROR_PRICES_UPSTREAM, "%s", reasons->str);
  return FALSE;
}
