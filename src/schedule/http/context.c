#include "schedule/http/context.h"

#include "audit/audit.h"
#include "base/error.h"

PgConnection *
schedule_http_connect(HttpRequest *request, const ScheduleHttp *http, GError **error)
{
  return pg_pool_take(http->pool, "cch-data backups", http_request_cancellable(request), error);
}

gboolean
schedule_http_id(HttpRequest *request, gint64 *ret_id, GError **error)
{
  const char *text = http_request_parameter(request, "id");
  guint64 id = 0;
  if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &id, NULL)) {
    error_set(error, CCH_ERROR_NOT_FOUND, "there is no %.64s", text);
    return FALSE;
  }
  *ret_id = (gint64)id;
  return TRUE;
}

HttpResponse *
schedule_http_queue(HttpRequest *request, const ScheduleHttp *http, PgConnection *connection, Run *run, GError **error)
{
  gint64 id = 0;
  run->asked_by = (char *)http_request_who(request);
  if (!run_queue(connection, run, &id, error))
    return NULL;
  scheduler_wake(http->scheduler);
  return http_response_json(202, json_pack("{s:I}", "runId", (json_int_t)id));
}

void
schedule_http_audit(HttpRequest *request, PgConnection *connection, const char *type, const char *target,
                    json_t *details)
{
  g_autoptr(json_t) owned = details;
  g_autofree char *text = json_to_text(owned);
  const AuditEntry entry = {.category = "backup",
                            .type = type,
                            .operator_name = http_request_who(request),
                            .operator_ip = http_request_client_ip(request),
                            .target_name = target,
                            .details_json = text,
                            .success = TRUE};
  audit_write(connection, &entry, NULL);
}

json_t *
schedule_http_time(gint64 time_s)
{
  g_autoptr(GDateTime) time = time_s > 0 ? g_date_time_new_from_unix_utc(time_s) : NULL;
  g_autofree char *text = time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
  return http_json_text(text);
}
