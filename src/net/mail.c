#include "net/mail.h"

#include "base/error.h"
#include "net/cancel.h"

#include <curl/curl.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10000 };

typedef struct {
  CURL *curl;
  struct curl_slist *recipients;
  GCancellable *cancellable;
  const char *left; /* of the text */
} Mail;

static void
mail_clear(Mail *mail)
{
  curl_easy_cleanup(mail->curl);
  curl_slist_free_all(mail->recipients);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mail, mail_clear)

static size_t
give_text(char *buffer, size_t size, size_t n, void *user_data)
{
  Mail *mail = user_data;
  gsize given = MIN(strlen(mail->left), size * n);
  memcpy(buffer, mail->left, given);
  mail->left += given;
  return given;
}

static void
set_up(Mail *mail, const MailRequest *request)
{
  CURL *curl = mail->curl;
  for (const char *const *recipient = request->recipients; *recipient != NULL; recipient++)
    mail->recipients = curl_slist_append(mail->recipients, *recipient);
  curl_easy_setopt(curl, CURLOPT_URL, request->server);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_USE_SSL, request->is_plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(request->timeout_ms, CONNECT_TIMEOUT_MS));
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, request->from);
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, mail->recipients);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_text);
  curl_easy_setopt(curl, CURLOPT_READDATA, mail);
  net_set_cancellable(curl, mail->cancellable);
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the environment's is for the web */
  if (request->user != NULL && request->password != NULL) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, request->user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, request->password);
  }
  if (request->ca_file != NULL)
    curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
}

gboolean
mail_send(const MailRequest *request, guint *ret_reply, GCancellable *cancellable, GError **error)
{
  g_auto(Mail) mail = {.curl = curl_easy_init(), .cancellable = cancellable, .left = request->text};
  *ret_reply = 0;
  if (mail.curl == NULL) {
    error_set(error, CCH_ERROR_INTERNAL, "libcurl cannot be used");
    return FALSE;
  }
  set_up(&mail, request);
  CURLcode code = curl_easy_perform(mail.curl);
  if (error_if_cancelled(cancellable, error))
    return FALSE;
  long reply = 0;
  curl_easy_getinfo(mail.curl, CURLINFO_RESPONSE_CODE, &reply);
  *ret_reply = (guint)reply;
  if (code == CURLE_OK)
    return TRUE;
  g_autoptr(GUri) server = g_uri_parse(request->server, G_URI_FLAGS_NONE, NULL);
  error_set(error, CCH_ERROR_SEND_FAILED, "%s: %s%s", server != NULL ? g_uri_get_host(server) : "the mail server",
            curl_easy_strerror(code),
            code == CURLE_USE_SSL_FAILED ? " (the server offers no STARTTLS; use smtps://, or \"plain\": true)" : "");
  return FALSE;
}
