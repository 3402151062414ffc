#include "auth/http/routes.h"

#include "auth/origin.h"
#include "base/error.h"
#include "base/log.h"

#include <string.h>

#define COOKIE "auth-token"

/* The credential in a header, or NULL. */
static const char *
shown_credential(const HttpRequest *request)
{
  const char *authorization = http_request_header(request, "Authorization");
  if (authorization != NULL && g_ascii_strncasecmp(authorization, "Bearer ", 7) == 0) {
    const char *token = authorization + 7 + strspn(authorization + 7, " ");
    if (*token != '\0')
      return token;
  }
  const char *key = http_request_header(request, "x-api-key");
  return key != NULL && *key != '\0' ? key : NULL;
}

/* An unauthenticated client is not told where the database is; the log is. */
static void
hide_database(HttpRequest *request, const GError *error)
{
  if (error_info(error)->http_status >= 500)
    http_request_set_error_details(request, "the key cannot be checked now");
}

static gboolean
check_credential(HttpRequest *request, Auth *auth, const char *credential, AuthIdentity *ret_identity, GError **error)
{
  guint retry_after_s = 0;
  g_autoptr(GError) problem = NULL;
  if (auth_check_credential(auth, credential, http_request_client_ip(request), ret_identity, &retry_after_s, &problem))
    return TRUE;
  hide_database(request, problem);
  g_propagate_error(error, g_steal_pointer(&problem));
  if (retry_after_s > 0) {
    char text[12];
    g_snprintf(text, sizeof text, "%u", retry_after_s);
    http_request_set_reply_header(request, "Retry-After", text);
  }
  return FALSE;
}

static gboolean
check_session(HttpRequest *request, Auth *auth, const char *cookie, AuthIdentity *ret_identity, GError **error)
{
  g_autoptr(GError) problem = NULL;
  if (auth_check_session(auth, cookie, ret_identity, &problem))
    return TRUE;
  hide_database(request, problem);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

static void
remember_who(HttpRequest *request, const AuthIdentity *identity)
{
  g_autofree char *who = g_strdup_printf("%s @ %s", identity->name, http_request_client_ip(request));
  http_request_set_who(request, who);
}

static gboolean
check_origin(HttpRequest *request, GError **error)
{
  if (origin_is_own(http_request_header(request, "Origin"), http_request_header(request, "Sec-Fetch-Site"),
                    http_request_host(request)))
    return TRUE;
  error_set(error, CCH_ERROR_AUTH_CROSS_SITE, "Origin or Sec-Fetch-Site names another site than Host");
  return FALSE;
}

/* Identifies the owner of the request's credential. */
static gboolean
identify(HttpRequest *request, Auth *auth, AuthIdentity *ret_identity, GError **error)
{
  const char *cookie = http_request_cookie(request, COOKIE);
  const char *credential = shown_credential(request);
  if (credential == NULL && (cookie == NULL || *cookie == '\0')) {
    http_request_set_reply_header(request, "WWW-Authenticate", "Bearer");
    error_set(error, CCH_ERROR_AUTH_MISSING, "send Authorization: Bearer, or sign in");
    return FALSE;
  }
  if (!(credential != NULL ? check_credential(request, auth, credential, ret_identity, error)
                           : check_session(request, auth, cookie, ret_identity, error)))
    return FALSE;
  remember_who(request, ret_identity);
  return TRUE;
}

gboolean
auth_http_guard(HttpRequest *request, guint route_flags, gpointer user_data, GError **error)
{
  AuthHttp *http = user_data;
  const char *cookie = http_request_cookie(request, COOKIE);
  gboolean is_guarded = (route_flags & HTTP_ROUTE_CHANGES) || ((route_flags & HTTP_ROUTE_COSTLY) && cookie != NULL);
  if (is_guarded && !check_origin(request, error))
    return FALSE;
  if (!(route_flags & HTTP_ROUTE_ADMIN))
    return TRUE;
  g_auto(AuthIdentity) identity = {0};
  return identify(request, http->auth, &identity, error);
}

/* SameSite=Strict: no other site's link or form carries it. */
static void
set_cookie(HttpRequest *request, const AuthHttp *http, const char *value, guint max_age_s)
{
  gboolean is_secure = http->secure_cookies || http_request_is_secure(request);
  g_autofree char *path = http_request_link(request, "/");
  g_autofree char *cookie = g_strdup_printf(COOKIE "=%s; Path=%s; Max-Age=%u; HttpOnly; SameSite=Strict%s", value, path,
                                            max_age_s, is_secure ? "; Secure" : "");
  http_request_set_reply_header(request, "Set-Cookie", cookie);
}

static json_t *
describe_user(const AuthIdentity *identity)
{
  return json_pack("{s:I, s:o, s:o, s:o}", "id", (json_int_t)identity->user_id, "name", http_json_text(identity->name),
                   "description", http_json_text(identity->description), "role", http_json_text(identity->role));
}

static HttpResponse *
login(HttpRequest *request, gpointer context, GError **error)
{
  AuthHttp *http = context;
  json_t *body = http_request_json(request, error);
  if (body == NULL)
    return NULL;
  const char *given = json_string_value(json_object_get(body, "key"));
  g_autofree char *key = g_strstrip(g_strdup(given != NULL ? given : ""));
  if (*key == '\0') {
    error_set(error, CCH_ERROR_AUTH_KEY_REQUIRED, "the body is {\"key\": \"…\"}");
    return NULL;
  }
  g_auto(AuthIdentity) identity = {0};
  if (!check_credential(request, http->auth, key, &identity, error))
    return NULL;
  remember_who(request, &identity);
  g_autofree char *session = auth_start_session(http->auth, &identity);
  set_cookie(request, http, session, auth_session_ttl_s(http->auth));
  return http_response_json(200, json_pack("{s:b, s:o, s:s, s:s}", "ok", 1, "user", describe_user(&identity),
                                           "redirectTo", "/settings/data", "loginType", "admin"));
}

/* Returns the current user. Checks the credential again, because the guard only admits the request. */
static HttpResponse *
session(HttpRequest *request, gpointer context, GError **error)
{
  AuthHttp *http = context;
  g_auto(AuthIdentity) identity = {0};
  if (!identify(request, http->auth, &identity, error))
    return NULL;
  return http_response_json(200, json_pack("{s:o}", "user", describe_user(&identity)));
}

static HttpResponse *
logout(HttpRequest *request, gpointer context, GError **error)
{
  (void)error;
  AuthHttp *http = context;
  const char *cookie = http_request_cookie(request, COOKIE);
  g_autoptr(GError) problem = NULL;
  gboolean is_everywhere = cookie == NULL || auth_end_session(http->auth, cookie, &problem);
  if (!is_everywhere)
    log_event(LOG_WARNING, "session ended here only", "code", error_info(problem)->code, "reason", problem->message,
              NULL);
  set_cookie(request, http, "", 0);
  return http_response_json(200, json_pack("{s:b, s:b}", "ok", 1, "everywhere", is_everywhere));
}

static const HttpRoute routes[] = {
    {.method = "POST", .path = "/api/auth/login", .flags = HTTP_ROUTE_CHANGES, .handler = login},
    {.method = "POST", .path = "/api/auth/logout", .flags = HTTP_ROUTE_CHANGES, .handler = logout},
    {.method = "GET", .path = "/api/auth/session", .flags = HTTP_ROUTE_ADMIN, .handler = session},
    HTTP_ROUTES_END,
};

const HttpRoute *const auth_http_routes[] = {routes, NULL};
