/* The cookie of a login session: who logged in and until when, signed. It never holds a key. Whether its key is still
 * usable, and whether somebody has signed out of it, is checked at each use (auth.h). */
#pragma once

#include <glib.h>

#define SESSION_SECRET_BYTES 32

typedef enum { SESSION_ADMIN_TOKEN = 1, SESSION_KEY = 2 } SessionKind;

typedef struct {
  SessionKind kind;
  gint64 user_id; /* -1 for the admin token, as the reference has it */
  gint64 key_id;
  guint64 key_mark; /* of the key's hash: another key under the same id does not inherit the session */
  gint64 issued_s;  /* Unix time */
  gint64 expires_s;
  gint64 id; /* random */
} Session;

/* Derives the signing secret: from a configured token, so that several instances agree and a new token ends all
 * sessions; `extra` (may be NULL) is mixed in. */
void session_derive_secret(const char *token, const char *extra, guint8 ret_secret[SESSION_SECRET_BYTES]);

/* "base64url(payload and MAC)"; free with g_free. */
char *session_sign(const Session *session, const guint8 secret[SESSION_SECRET_BYTES]);

/* FALSE for anything that was not signed with this secret, or has expired at `now_s`. */
gboolean session_verify(const char *token, const guint8 secret[SESSION_SECRET_BYTES], gint64 now_s,
                        Session *ret_session);
