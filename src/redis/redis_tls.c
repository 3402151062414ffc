#include "redis/redis_tls.h"

#include "base/error.h"
#include "redis/redis_socket.h"

#include <gio/gio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

struct RedisTls {
  int fd;
  SSL_CTX *context;
  SSL *ssl;
};

void
redis_tls_free(RedisTls *tls)
{
  if (tls == NULL)
    return;
  SSL_free(tls->ssl);
  SSL_CTX_free(tls->context);
  g_free(tls);
}

static void
set_tls_error(const RedisTls *tls, GError **error)
{
  long verdict = tls->ssl != NULL ? SSL_get_verify_result(tls->ssl) : X509_V_OK;
  unsigned long code = ERR_peek_last_error();
  const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
  if (verdict != X509_V_OK)
    error_set(error, CCH_ERROR_REDIS_REFUSED,
              "Redis's certificate is not trusted: %s (REDIS_CA_FILE names an authority of one's own)",
              X509_verify_cert_error_string(verdict));
  else
    error_set(error, CCH_ERROR_REDIS_REFUSED, "TLS to Redis: %s", reason != NULL ? reason : "failed");
  ERR_clear_error();
}

/* After a call that did not succeed: waits until it can be repeated; FALSE if it cannot. */
static gboolean
wait_for_retry(RedisTls *tls, int outcome, gint64 deadline_us, GError **error)
{
  switch (SSL_get_error(tls->ssl, outcome)) {
  case SSL_ERROR_WANT_READ:
    return redis_socket_wait(tls->fd, POLLIN, deadline_us, error);
  case SSL_ERROR_WANT_WRITE:
    return redis_socket_wait(tls->fd, POLLOUT, deadline_us, error);
  case SSL_ERROR_ZERO_RETURN:
  case SSL_ERROR_SYSCALL:
    ERR_clear_error();
    error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis closed the connection");
    return FALSE;
  default:
    if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      ERR_clear_error();
      error_set(error, CCH_ERROR_REDIS_UNAVAILABLE, "Redis closed the connection");
      return FALSE;
    }
    set_tls_error(tls, error);
    return FALSE;
  }
}

/* The name or address that the certificate must be for. */
static gboolean
set_peer(RedisTls *tls, const char *host)
{
  if (g_hostname_is_ip_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), host) == 1;
  return SSL_set_tlsext_host_name(tls->ssl, host) == 1 && SSL_set1_host(tls->ssl, host) == 1;
}

static gboolean
prepare(RedisTls *tls, const RedisUrl *url, const char *host)
{
  tls->context = SSL_CTX_new(TLS_client_method());
  if (tls->context == NULL || SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1)
    return FALSE;
  gboolean has_authorities = url->ca_file != NULL ? SSL_CTX_load_verify_file(tls->context, url->ca_file) == 1
                                                  : SSL_CTX_set_default_verify_paths(tls->context) == 1;
  if (!has_authorities && !url->is_unverified)
    return FALSE;
  SSL_CTX_set_verify(tls->context, url->is_unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  tls->ssl = SSL_new(tls->context);
  return tls->ssl != NULL && set_peer(tls, host) && SSL_set_fd(tls->ssl, tls->fd) == 1;
}

RedisTls *
redis_tls_open(int fd, const RedisUrl *url, const char *host, gint64 deadline_us, GError **error)
{
  g_autoptr(RedisTls) tls = g_new0(RedisTls, 1);
  tls->fd = fd;
  ERR_clear_error();
  if (!prepare(tls, url, host)) {
    set_tls_error(tls, error);
    return NULL;
  }
  int outcome;
  while ((outcome = SSL_connect(tls->ssl)) != 1)
    if (!wait_for_retry(tls, outcome, deadline_us, error))
      return NULL;
  return g_steal_pointer(&tls);
}

gboolean
redis_tls_send(RedisTls *tls, const char *data, gsize size, gint64 deadline_us, GError **error)
{
  while (size > 0) {
    ERR_clear_error();
    int n = SSL_write(tls->ssl, data, (int)MIN(size, (gsize)G_MAXINT));
    if (n > 0) {
      data += n;
      size -= (gsize)n;
    } else if (!wait_for_retry(tls, n, deadline_us, error)) {
      return FALSE;
    }
  }
  return TRUE;
}

gsize
redis_tls_receive(RedisTls *tls, char *buffer, gsize size, gint64 deadline_us, GError **error)
{
  for (;;) {
    ERR_clear_error();
    int n = SSL_read(tls->ssl, buffer, (int)MIN(size, (gsize)G_MAXINT));
    if (n > 0)
      return (gsize)n;
    if (!wait_for_retry(tls, n, deadline_us, error))
      return 0;
  }
}
