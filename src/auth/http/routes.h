/* Login and logout over HTTP, and the guard for every request. */
#pragma once

#include "auth/auth.h"
#include "http/handler.h"

typedef struct {
  Auth *auth;
  gboolean secure_cookies; /* always, not only behind a trusted TLS proxy */
} AuthHttp;

/* POST /api/auth/login and /api/auth/logout, GET /api/auth/session; their context is an AuthHttp. */
extern const HttpRoute *const auth_http_routes[];

/* An HttpGuard; its user_data is an AuthHttp. Uses the first credential in this order: Authorization: Bearer,
 * x-api-key, the cookie. AUTH_*, DATABASE_*. */
gboolean auth_http_guard(HttpRequest *request, guint route_flags, gpointer user_data, GError **error);
