/* Authenticates administrators by ADMIN_TOKEN, or by the key of a user with role admin, directly or through a login
 * session. Thread-safe. */
#pragma once

#include "auth/session.h"
#include "pg/pool/pool.h"

#include <gio/gio.h>

typedef struct Auth Auth;

typedef struct {
  PgPool *pool;            /* outlives the Auth */
  const char *admin_token; /* never NULL or empty */
  guint8 session_secret[SESSION_SECRET_BYTES];
  guint session_ttl_s;
} AuthOptions;

/* An administrator. */
typedef struct {
  gboolean is_admin_token;
  gint64 user_id, key_id; /* -1 for the admin token */
  guint64 key_mark;
  char *name;
  char *description; /* may be NULL */
  char *role;
} AuthIdentity;

void auth_identity_clear(AuthIdentity *identity);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AuthIdentity, auth_identity_clear)

Auth *auth_new(const AuthOptions *options);
void auth_free(Auth *auth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Auth, auth_free)

/* Checks a token or key sent from `address`. AUTH_INVALID; AUTH_FORBIDDEN for a valid key of a user who is not an
 * administrator; AUTH_LOCKED_OUT after too many failures, with `ret_retry_after_s`; DATABASE_* if a key cannot be
 * looked up, which does not count as a failure of the caller. */
gboolean auth_check_credential(Auth *auth, const char *credential, const char *address, AuthIdentity *ret_identity,
                               guint *ret_retry_after_s, GError **error);

/* A session's cookie. A session that somebody signed out of on another instance is found in the database; the
 * administrator token's session is good all the same while the database is away. AUTH_INVALID, AUTH_FORBIDDEN,
 * DATABASE_*. */
gboolean auth_check_session(Auth *auth, const char *cookie, AuthIdentity *ret_identity, GError **error);

/* The cookie of a new session; free with g_free. */
char *auth_start_session(Auth *auth, const AuthIdentity *identity);

/* Ends the session of a cookie, which may be anything, for all who have a copy: on this instance at once, and on all
 * others by the database. DATABASE_*: the others could not be told. */
gboolean auth_end_session(Auth *auth, const char *cookie, GError **error);

guint auth_session_ttl_s(const Auth *auth);
