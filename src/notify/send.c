#include "notify/send.h"

#include "base/error.h"
#include "base/json.h"
#include "net/mail.h"
#include "net/post.h"
#include "notify/body.h"
#include "notify/mail_text.h"

#include <string.h>

enum { MAX_ANSWER_BYTES = 16 * 1024, MAX_SHOWN_CHARACTERS = 300, MAX_RETRY_AFTER_S = 86400 };

void
notify_outcome_clear(NotifyOutcome *outcome)
{
  g_free(outcome->problem);
  *outcome = (NotifyOutcome){0};
}

/* The receivers' codes for "too often" and "busy": WeCom, DingTalk, Feishu. */
static gboolean
code_is_transient(json_int_t code)
{
  static const json_int_t codes[] = {-1, 45009, 45033, 130101, 130102, 410100, 9499, 11232, 11233};
  for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
    if (codes[i] == code)
      return TRUE;
  return FALSE;
}

/* What a receiver says, as one short line. */
static char *
shown(const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  for (char *at = valid; *at != '\0'; at++)
    if ((guchar)*at < 0x20)
      *at = ' ';
  g_strstrip(valid);
  return g_utf8_strlen(valid, -1) <= MAX_SHOWN_CHARACTERS ? g_steal_pointer(&valid)
                                                          : g_utf8_substring(valid, 0, MAX_SHOWN_CHARACTERS);
}

/* These answer 200 with a code in JSON. */
static void
judge_code(const json_t *answer, const char *code_name, const char *text_name, NotifyOutcome *outcome)
{
  const json_t *code = json_object_get(answer, code_name);
  outcome->is_sent = json_is_integer(code) && json_integer_value(code) == 0;
  if (outcome->is_sent)
    return;
  const char *text = json_string_value(json_object_get(answer, text_name));
  g_autofree char *said = shown(text != NULL ? text : "the answer has no code");
  outcome->problem = json_is_integer(code)
                         ? g_strdup_printf("%s %" JSON_INTEGER_FORMAT ": %s", code_name, json_integer_value(code), said)
                         : g_strdup(said);
  outcome->is_final = json_is_integer(code) && !code_is_transient(json_integer_value(code));
}

static void
judge(const char *type, const PostAnswer *answer, NotifyOutcome *outcome)
{
  guint status = answer->status;
  *outcome = (NotifyOutcome){.status = status, .retry_after_s = MIN(answer->retry_after_s, MAX_RETRY_AFTER_S)};
  g_autoptr(json_t) json = json_loadb(answer->body->str, answer->body->len, 0, NULL);
  if (status < 200 || status >= 300) {
    g_autofree char *said = shown(answer->body->str);
    outcome->problem = g_strdup_printf("HTTP %u%s%s", status, *said != '\0' ? ": " : "", said);
    outcome->is_final = status < 500 && status != 408 && status != 425 && status != 429;
    json_int_t wait_s =
        json_integer_value(json_object_get(json_object_get(json, "parameters"), "retry_after")); /* Telegram's */
    outcome->retry_after_s = MAX(outcome->retry_after_s, CLAMP(wait_s, 0, MAX_RETRY_AFTER_S));
    return;
  }
  if (strcmp(type, "wechat") == 0 || strcmp(type, "dingtalk") == 0)
    judge_code(json, "errcode", "errmsg", outcome);
  else if (strcmp(type, "feishu") == 0)
    judge_code(json, json_object_get(json, "code") != NULL ? "code" : "StatusCode", "msg", outcome);
  else if (strcmp(type, "telegram") == 0 && !json_is_true(json_object_get(json, "ok"))) {
    outcome->is_final = TRUE;
    outcome->problem = shown(answer->body->str);
  } else
    outcome->is_sent = TRUE;
}

static void
hide(GString *text, const char *secret, gsize min_bytes)
{
  if (secret != NULL && strlen(secret) >= min_bytes)
    g_string_replace(text, secret, "***", 0);
}

/* The parts of an address that may be its secret: receivers say "Cannot POST /bot123:abc/sendMessage". */
static void
hide_address(GString *text, const char *url)
{
  g_autoptr(GUri) uri = url != NULL ? g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL) : NULL;
  if (uri == NULL)
    return;
  hide(text, g_uri_get_query(uri), 4);
  hide(text, g_uri_get_path(uri), 4);
  g_autofree char *parts =
      g_strdup_printf("%s&%s", g_uri_get_path(uri), g_uri_get_query(uri) != NULL ? g_uri_get_query(uri) : "");
  g_auto(GStrv) words = g_strsplit_set(parts, "/&=", -1);
  for (char **word = words; *word != NULL; word++)
    hide(text, *word, 12); /* shorter ones are words */
}

/* A receiver may repeat what it was sent; nobody who reads its answer is to learn the channel's secrets. */
static void
hide_secrets(const NotifyChannel *channel, NotifyOutcome *outcome)
{
  if (outcome->problem == NULL)
    return;
  GString *text = g_string_new(outcome->problem);
  hide_address(text, json_string_value(json_object_get(channel->settings, "url")));
  for (const char *const *name = (const char *const[]){"botToken", "secret", "password", NULL}; *name != NULL; name++)
    hide(text, json_string_value(json_object_get(channel->settings, *name)), 1);
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(channel->settings, "headers"), name, value)
    hide(text, json_string_value(value), 4);
  g_free(outcome->problem);
  outcome->problem = g_string_free(text, FALSE);
}

/* Without and with the hub's permission to go past a proxy that fails. */
static gboolean
post_body(const NotifyChannel *channel, const NotifyBody *body, const char *ca_file, PostAnswer *answer,
          GCancellable *cancellable, GError **error)
{
  const char *proxy = json_string_value(json_object_get(channel->settings, "proxyUrl"));
  PostRequest request = {.url = body->url,
                         .content_type = body->content_type,
                         .headers = (const char *const *)body->headers->pdata,
                         .body = body->text,
                         .timeout_ms = NOTIFY_SEND_TIMEOUT_MS,
                         .max_bytes = MAX_ANSWER_BYTES,
                         .proxy = proxy,
                         .ca_file = ca_file};
  gboolean may_go_past = proxy != NULL && json_is_true(json_object_get(channel->settings, "proxyFallback"));
  if (post_send(&request, answer, cancellable, may_go_past ? NULL : error))
    return TRUE;
  if (!may_go_past)
    return FALSE;
  request.proxy = NULL;
  return post_send(&request, answer, cancellable, error);
}

/* The problem becomes the outcome, unless it is CANCELLED. */
static gboolean
take_problem(GError *problem, NotifyOutcome *outcome, GError **error)
{
  if (error_code(problem) == CCH_ERROR_CANCELLED) {
    g_propagate_error(error, problem);
    return FALSE;
  }
  outcome->problem = g_strdup(problem->message);
  g_error_free(problem);
  return TRUE;
}

static gboolean
send_over_http(const NotifyChannel *channel, const NotifyMessage *message, const char *ca_file, NotifyOutcome *outcome,
               GCancellable *cancellable, GError **error)
{
  g_auto(NotifyBody) body = {0};
  g_auto(PostAnswer) answer = {0};
  g_autoptr(GError) problem = NULL;
  if (!notify_body_make(channel, message, g_get_real_time(), &body)) {
    outcome->is_final = TRUE;
    outcome->problem = g_strdup("the channel's settings are incomplete");
    return TRUE;
  }
  if (post_body(channel, &body, ca_file, &answer, cancellable, &problem)) {
    judge(channel->type, &answer, outcome);
    return TRUE;
  }
  return take_problem(g_steal_pointer(&problem), outcome, error);
}

static gboolean
send_mail(const NotifyChannel *channel, const NotifyMessage *message, const char *ca_file, NotifyOutcome *outcome,
          GCancellable *cancellable, GError **error)
{
  g_autoptr(GPtrArray) recipients = g_ptr_array_new();
  gsize i;
  const json_t *address;
  json_array_foreach(json_object_get(channel->settings, "to"), i, address)
    g_ptr_array_add(recipients, (gpointer)json_string_value(address));
  g_ptr_array_add(recipients, NULL);
  Language language = strcmp(channel->language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_ZH_CN;
  const char *const *to = (const char *const *)recipients->pdata;
  const char *from = json_string_value(json_object_get(channel->settings, "from"));
  g_auto(NotifyWords) words = notify_words(message, language);
  g_autofree char *text = notify_mail_text(message, &words, from, to, g_get_real_time() / G_USEC_PER_SEC);
  const MailRequest request = {.server = json_string_value(json_object_get(channel->settings, "server")),
                               .is_plain = json_is_true(json_object_get(channel->settings, "plain")),
                               .user = json_string_value(json_object_get(channel->settings, "user")),
                               .password = json_string_value(json_object_get(channel->settings, "password")),
                               .from = from,
                               .recipients = to,
                               .text = text,
                               .timeout_ms = 2 * NOTIFY_SEND_TIMEOUT_MS,
                               .ca_file = ca_file};
  g_autoptr(GError) problem = NULL;
  outcome->is_sent = mail_send(&request, &outcome->status, cancellable, &problem);
  outcome->is_final = !outcome->is_sent && outcome->status >= 500;
  return outcome->is_sent || take_problem(g_steal_pointer(&problem), outcome, error);
}

gboolean
notify_send(const NotifyChannel *channel, const NotifyMessage *message, const char *ca_file, NotifyOutcome *ret_outcome,
            GCancellable *cancellable, GError **error)
{
  *ret_outcome = (NotifyOutcome){0};
  if (!(strcmp(channel->type, "email") == 0 ? send_mail : send_over_http)(channel, message, ca_file, ret_outcome,
                                                                          cancellable, error))
    return FALSE;
  hide_secrets(channel, ret_outcome);
  return TRUE;
}
