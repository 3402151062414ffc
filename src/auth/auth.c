#include "auth/auth.h"

#include "auth/rate_limit.h"
#include "auth_sql.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

#include <sodium.h>
#include <string.h>

#define MAX_CREDENTIAL_BYTES 512

/* After a failed query for ended sessions, the time until the next one. */
enum { ENDED_RETRY_S = 5, ENDED_RETRY_WITHOUT_TABLE_S = 60 };

/* With the second that a kept connection has for its first answer, they keep a login under five seconds. */
enum { CONNECT_TIMEOUT_MS = 2000, ANSWER_TIMEOUT_MS = 3500 };

enum {
  COLUMN_USER_ID,
  COLUMN_NAME,
  COLUMN_DESCRIPTION,
  COLUMN_ROLE,
  COLUMN_KEY_ID,
  COLUMN_KEY_SHA256,
  COLUMN_IS_USABLE,
  COLUMN_IS_ADMINISTRATOR
};

struct Auth {
  PgPool *pool;
  guint8 admin_token_hash[crypto_generichash_BYTES];
  guint8 session_secret[SESSION_SECRET_BYTES];
  guint session_ttl_s;
  RateLimit *rate_limit;

  GMutex mutex;               /* protects the members below */
  GHashTable *ended;          /* sessions that ended on this instance: ID → when it would have expired, both gint64 */
  gint64 next_ended_query_us; /* monotonic: no query for sessions that ended on other instances before */
};

static void
hash_credential(const char *credential, guint8 ret_hash[crypto_generichash_BYTES])
{
  crypto_generichash(ret_hash, crypto_generichash_BYTES, (const guint8 *)credential, strlen(credential), NULL, 0);
}

void
auth_identity_clear(AuthIdentity *identity)
{
  g_clear_pointer(&identity->name, g_free);
  g_clear_pointer(&identity->description, g_free);
  g_clear_pointer(&identity->role, g_free);
}

Auth *
auth_new(const AuthOptions *options)
{
  Auth *auth = g_new0(Auth, 1);
  auth->pool = options->pool;
  hash_credential(options->admin_token, auth->admin_token_hash);
  memcpy(auth->session_secret, options->session_secret, SESSION_SECRET_BYTES);
  auth->session_ttl_s = options->session_ttl_s;
  auth->rate_limit = rate_limit_new();
  g_mutex_init(&auth->mutex);
  auth->ended = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  return auth;
}

void
auth_free(Auth *auth)
{
  if (auth == NULL)
    return;
  g_hash_table_unref(auth->ended);
  g_mutex_clear(&auth->mutex);
  rate_limit_free(auth->rate_limit);
  sodium_memzero(auth->session_secret, sizeof auth->session_secret);
  g_free(auth);
}

/* A query of auth/sql that answers soon, even while an import locks the tables, or the server hangs. */
static PgResult *
query_soon(Auth *auth, const char *sql, const char *first, const char *second, GError **error)
{
  g_autoptr(PgConnection) connection =
      pg_pool_take_within(auth->pool, "cch-data login", CONNECT_TIMEOUT_MS, NULL, error);
  if (connection == NULL)
    return NULL;
  pg_connection_set_answer_timeout(connection, ANSWER_TIMEOUT_MS);
  return pg_connection_exec(connection, "SET lock_timeout = '3s'; SET statement_timeout = '5s'", error)
             ? pg_connection_query(connection, error, sql, 2, first, second)
             : NULL;
}

/* A query of auth/sql about a session: its id, and when it expires. */
static PgResult *
query_session(Auth *auth, const char *sql, const Session *session, GError **error)
{
  char id[24], expires[24];
  g_snprintf(id, sizeof id, "%" G_GINT64_FORMAT, session->id);
  g_snprintf(expires, sizeof expires, "%" G_GINT64_FORMAT, session->expires_s);
  return query_soon(auth, sql, id, expires, error);
}

static gboolean
read_identity(const PgResult *result, AuthIdentity *ret_identity, GError **error)
{
  if (pg_result_rows(result) == 0 || !pg_result_bool(result, 0, COLUMN_IS_USABLE)) {
    error_set(error, CCH_ERROR_AUTH_INVALID, "no usable key like this");
    return FALSE;
  }
  if (!pg_result_bool(result, 0, COLUMN_IS_ADMINISTRATOR)) {
    error_set(error, CCH_ERROR_AUTH_FORBIDDEN, "the key belongs to no administrator who may sign in");
    return FALSE;
  }
  g_autofree char *mark = g_strndup(pg_result_text(result, 0, COLUMN_KEY_SHA256), 16);
  *ret_identity = (AuthIdentity){
      .user_id = pg_result_int64(result, 0, COLUMN_USER_ID),
      .key_id = pg_result_int64(result, 0, COLUMN_KEY_ID),
      .key_mark = g_ascii_strtoull(mark, NULL, 16),
      .name = g_strdup(pg_result_text(result, 0, COLUMN_NAME)),
      .description = g_strdup(pg_result_text(result, 0, COLUMN_DESCRIPTION)),
      .role = g_strdup(pg_result_text(result, 0, COLUMN_ROLE)),
  };
  return TRUE;
}

/* In a database without the hub's tables every key is unknown. */
static gboolean
check_key(Auth *auth, const char *sha256, const char *key_id, AuthIdentity *ret_identity, GError **error)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgResult) result = query_soon(auth, auth_find_key_sql, sha256, key_id, &problem);
  if (result != NULL)
    return read_identity(result, ret_identity, error);
  if (error_has_sqlstate(problem, SQLSTATE_UNDEFINED_TABLE))
    error_set(error, CCH_ERROR_AUTH_INVALID, "the database has no keys");
  else
    g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

static void
become_admin_token(AuthIdentity *identity)
{
  *identity = (AuthIdentity){
      .is_admin_token = TRUE,
      .user_id = -1,
      .key_id = -1,
      .name = g_strdup("Admin Token"),
      .role = g_strdup("admin"),
  };
}

static gboolean
check_token_or_key(Auth *auth, const char *credential, AuthIdentity *ret_identity, GError **error)
{
  guint8 hash[crypto_generichash_BYTES];
  hash_credential(credential, hash);
  if (sodium_memcmp(hash, auth->admin_token_hash, sizeof hash) == 0) {
    become_admin_token(ret_identity);
    return TRUE;
  }
  if (strlen(credential) > MAX_CREDENTIAL_BYTES) {
    error_set(error, CCH_ERROR_AUTH_INVALID, "no key is this long");
    return FALSE;
  }
  g_autofree char *sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, credential, -1);
  return check_key(auth, sha256, NULL, ret_identity, error);
}

gboolean
auth_check_credential(Auth *auth, const char *credential, const char *address, AuthIdentity *ret_identity,
                      guint *ret_retry_after_s, GError **error)
{
  gint64 now_s = g_get_monotonic_time() / G_USEC_PER_SEC;
  guint wait_s = rate_limit_wait(auth->rate_limit, address, now_s);
  if (wait_s > 0) {
    *ret_retry_after_s = wait_s;
    error_set(error, CCH_ERROR_AUTH_LOCKED_OUT, "try again in %u seconds", wait_s);
    return FALSE;
  }
  g_autoptr(GError) problem = NULL;
  if (check_token_or_key(auth, credential, ret_identity, &problem)) {
    rate_limit_succeed(auth->rate_limit, address);
    return TRUE;
  }
  if (error_code(problem) == CCH_ERROR_AUTH_INVALID)
    rate_limit_fail(auth->rate_limit, address, now_s);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

/* Whether somebody signed out of the session: on this instance, or on another as far as the database answers. */
static gboolean
has_ended(Auth *auth, const Session *session)
{
  g_mutex_lock(&auth->mutex);
  gboolean is_ended_here = g_hash_table_contains(auth->ended, &session->id);
  gboolean may_query = g_get_monotonic_time() >= auth->next_ended_query_us;
  g_mutex_unlock(&auth->mutex);
  if (is_ended_here || !may_query)
    return is_ended_here;
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgResult) result = query_session(auth, auth_find_ended_session_sql, session, &problem);
  if (result != NULL)
    return pg_result_rows(result) > 0;
  gint64 pause_s = error_has_sqlstate(problem, SQLSTATE_UNDEFINED_TABLE) ? ENDED_RETRY_WITHOUT_TABLE_S : ENDED_RETRY_S;
  g_mutex_lock(&auth->mutex);
  auth->next_ended_query_us = g_get_monotonic_time() + pause_s * G_USEC_PER_SEC;
  g_mutex_unlock(&auth->mutex);
  return FALSE;
}

gboolean
auth_check_session(Auth *auth, const char *cookie, AuthIdentity *ret_identity, GError **error)
{
  Session session;
  if (!session_verify(cookie, auth->session_secret, g_get_real_time() / G_USEC_PER_SEC, &session)) {
    error_set(error, CCH_ERROR_AUTH_INVALID, "the session is not valid or has expired");
    return FALSE;
  }
  if (has_ended(auth, &session)) {
    error_set(error, CCH_ERROR_AUTH_INVALID, "the session was signed out of");
    return FALSE;
  }
  if (session.kind == SESSION_ADMIN_TOKEN) {
    become_admin_token(ret_identity);
    return TRUE;
  }
  char key_id[24];
  g_snprintf(key_id, sizeof key_id, "%" G_GINT64_FORMAT, session.key_id);
  g_auto(AuthIdentity) found = {0};
  if (!check_key(auth, NULL, key_id, &found, error))
    return FALSE;
  if (found.user_id != session.user_id || found.key_mark != session.key_mark) {
    error_set(error, CCH_ERROR_AUTH_INVALID, "the session's key is another one by now");
    return FALSE;
  }
  *ret_identity = found;
  memset(&found, 0, sizeof found);
  return TRUE;
}

char *
auth_start_session(Auth *auth, const AuthIdentity *identity)
{
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  Session session = {
      .kind = identity->is_admin_token ? SESSION_ADMIN_TOKEN : SESSION_KEY,
      .user_id = identity->user_id,
      .key_id = identity->key_id,
      .key_mark = identity->key_mark,
      .issued_s = now_s,
      .expires_s = now_s + auth->session_ttl_s,
  };
  randombytes_buf(&session.id, sizeof session.id);
  return session_sign(&session, auth->session_secret);
}

static gboolean
is_expired(gpointer id, gpointer expires_s, gpointer now_s)
{
  (void)id;
  return *(const gint64 *)expires_s <= *(const gint64 *)now_s;
}

gboolean
auth_end_session(Auth *auth, const char *cookie, GError **error)
{
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  Session session;
  if (!session_verify(cookie, auth->session_secret, now_s, &session))
    return TRUE;
  g_mutex_lock(&auth->mutex);
  g_hash_table_foreach_remove(auth->ended, is_expired, &now_s);
  g_hash_table_insert(auth->ended, g_memdup2(&session.id, sizeof session.id),
                      g_memdup2(&session.expires_s, sizeof session.expires_s));
  g_mutex_unlock(&auth->mutex);
  g_autoptr(PgResult) result = query_session(auth, auth_end_session_sql, &session, error);
  return result != NULL;
}

guint
auth_session_ttl_s(const Auth *auth)
{
  return auth->session_ttl_s;
}
