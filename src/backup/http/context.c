#include "backup/http/context.h"

#include "base/text.h"

json_t *
backup_http_holder_json(const BackupHttp *http, const BackupLockHolder *holder)
{
  return json_pack("{s:o, s:o, s:o, s:o*}", "operation", http_json_text(holder->operation), "holder",
                   http_json_text(holder->holder), "since", http_json_text(holder->since), "upload",
                   holder->operation != NULL ? running_upload(http->running, holder->operation) : NULL);
}

void
backup_http_explain_lock(HttpRequest *request, const BackupHttp *http, const BackupLockHolder *holder)
{
  http_request_set_error_details(request, text_get(TEXT_LOCK_DETAILS, http_request_language(request)));
  http_request_set_error_member(request, "holder", backup_http_holder_json(http, holder));
}
