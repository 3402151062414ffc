#include "auth/session.h"

#include <sodium.h>
#include <string.h>

/* Version, kind, six big-endian integers; then the MAC over all of it. */
#define SESSION_VERSION 2
#define PAYLOAD_BYTES   (2 + 6 * 8)
#define SIGNED_BYTES    (PAYLOAD_BYTES + crypto_auth_BYTES)

G_STATIC_ASSERT(SESSION_SECRET_BYTES == crypto_auth_KEYBYTES);

static void
put_int64(guint8 *at, gint64 value)
{
  guint64 big = GUINT64_TO_BE((guint64)value);
  memcpy(at, &big, sizeof big);
}

static gint64
get_int64(const guint8 *at)
{
  guint64 big;
  memcpy(&big, at, sizeof big);
  return (gint64)GUINT64_FROM_BE(big);
}

void
session_derive_secret(const char *token, const char *extra, guint8 ret_secret[SESSION_SECRET_BYTES])
{
  static const char purpose[] = "cch-data login session, 1";
  crypto_generichash_state state;
  crypto_generichash_init(&state, (const guint8 *)purpose, sizeof purpose - 1, SESSION_SECRET_BYTES);
  crypto_generichash_update(&state, (const guint8 *)token, strlen(token) + 1);
  if (extra != NULL)
    crypto_generichash_update(&state, (const guint8 *)extra, strlen(extra));
  crypto_generichash_final(&state, ret_secret, SESSION_SECRET_BYTES);
}

char *
session_sign(const Session *session, const guint8 secret[SESSION_SECRET_BYTES])
{
  guint8 bytes[SIGNED_BYTES];
  bytes[0] = SESSION_VERSION;
  bytes[1] = (guint8)session->kind;
  put_int64(bytes + 2, session->user_id);
  put_int64(bytes + 10, session->key_id);
  put_int64(bytes + 18, (gint64)session->key_mark);
  put_int64(bytes + 26, session->issued_s);
  put_int64(bytes + 34, session->expires_s);
  put_int64(bytes + 42, session->id);
  crypto_auth(bytes + PAYLOAD_BYTES, bytes, PAYLOAD_BYTES, secret);
  gsize size = sodium_base64_encoded_len(SIGNED_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  char *text = g_malloc(size);
  return sodium_bin2base64(text, size, bytes, SIGNED_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

gboolean
session_verify(const char *token, const guint8 secret[SESSION_SECRET_BYTES], gint64 now_s, Session *ret_session)
{
  guint8 bytes[SIGNED_BYTES];
  gsize size = 0;
  if (sodium_base642bin(bytes, sizeof bytes, token, strlen(token), NULL, &size, NULL,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      size != SIGNED_BYTES)
    return FALSE;
  if (crypto_auth_verify(bytes + PAYLOAD_BYTES, bytes, PAYLOAD_BYTES, secret) != 0 || bytes[0] != SESSION_VERSION)
    return FALSE;
  Session session = {
      .kind = (SessionKind)bytes[1],
      .user_id = get_int64(bytes + 2),
      .key_id = get_int64(bytes + 10),
      .key_mark = (guint64)get_int64(bytes + 18),
      .issued_s = get_int64(bytes + 26),
      .expires_s = get_int64(bytes + 34),
      .id = get_int64(bytes + 42),
  };
  if (session.expires_s <= now_s || (session.kind != SESSION_ADMIN_TOKEN && session.kind != SESSION_KEY))
    return FALSE;
  *ret_session = session;
  return TRUE;
}
