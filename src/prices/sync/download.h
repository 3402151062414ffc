/* Downloads the cloud's price table from the first mirror that has it. */
#pragma once

#include "net/fetch.h"
#include "prices/format/table.h"

typedef struct {
  const char *const *urls;
  guint rounds; /* number of rounds through all mirrors, with growing pauses in between */
  guint timeout_ms;
  gboolean allow_other_hosts;
  const char *known_url, *etag, *last_modified; /* of the present table; NULL: none */
} DownloadOptions;

typedef struct {
  PriceTable *table; /* NULL: not modified */
  char *url, *etag, *last_modified;
  guint status; /* of the last answer; 0: none */
} Download;

void download_clear(Download *download);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Download, download_clear)

/* PRICES_UPSTREAM with each mirror's reason; CANCELLED. `ret_download->status` is set on failure, too. */
gboolean download_prices(const DownloadOptions *options, Download *ret_download, GCancellable *cancellable,
                         GError **error);
