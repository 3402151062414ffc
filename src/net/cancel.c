#include "net/cancel.h"

static int
check_cancelled(void *cancellable, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t uploaded)
{
  (void)total;
  (void)now;
  (void)upload_total;
  (void)uploaded;
  return g_cancellable_is_cancelled(cancellable);
}

void
net_set_cancellable(CURL *curl, GCancellable *cancellable)
{
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_cancelled);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, cancellable);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}
