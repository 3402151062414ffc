/* One mail over SMTP: implicit TLS (smtps://), STARTTLS, or in the clear.
 *
 * The time of everything is limited. Certificates are verified. TLS that was asked for and is not offered is a
 * failure. */
#pragma once

#include <gio/gio.h>

typedef struct {
  const char *server;            /* "smtps://host", "smtp://host:587" */
  gboolean is_plain;             /* of smtp://: without STARTTLS */
  const char *user, *password;   /* NULL: no login */
  const char *from;              /* mailboxes as SMTP takes them: name@host */
  const char *const *recipients; /* NULL-terminated */
  const char *text;              /* the whole message, with header lines and CRLF */
  guint timeout_ms;
  const char *ca_file; /* NULL: the system's authorities */
} MailRequest;

/* SEND_FAILED; CANCELLED. `ret_reply` (0: none): the server's last reply, 4xx: try again later, 5xx: never; set on
 * failure, too. */
gboolean mail_send(const MailRequest *request, guint *ret_reply, GCancellable *cancellable, GError **error);
