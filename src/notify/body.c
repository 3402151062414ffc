#include "notify/body.h"

#include "base/json.h"

#include <string.h>

enum { MAX_TEXT_CHARACTERS = 3000 }; /* WeCom takes 4096 bytes, Telegram 4096 characters */

static const char *
setting(const NotifyChannel *channel, const char *name)
{
  return json_string_value(json_object_get(channel->settings, name));
}

void
notify_body_clear(NotifyBody *body)
{
  g_free(body->url);
  g_free(body->text);
  if (body->headers != NULL)
    g_ptr_array_unref(body->headers);
  *body = (NotifyBody){0};
}

static char *
hmac_base64(const char *key, const char *text)
{
  guint8 digest[32];
  gsize size = sizeof digest;
  GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, (const guchar *)key, strlen(key));
  g_hmac_update(hmac, (const guchar *)text, (gssize)strlen(text));
  g_hmac_get_digest(hmac, digest, &size);
  g_hmac_unref(hmac);
  return g_base64_encode(digest, size);
}

/* Cut at a character. */
static char *
shortened(const char *text, glong max)
{
  if (g_utf8_strlen(text, -1) <= max)
    return g_strdup(text);
  g_autofree char *begin = g_utf8_substring(text, 0, max);
  return g_strconcat(begin, "…", NULL);
}

typedef char *(*Escape)(const char *text);

static char *
escape_html(const char *text)
{
  return g_markup_escape_text(text, -1);
}

/* WeCom, DingTalk and Slack replace these three. */
static char *
escape_three(const char *text)
{
  GString *escaped = g_string_new(text);
  g_string_replace(escaped, "&", "&amp;", 0);
  g_string_replace(escaped, "<", "&lt;", 0);
  g_string_replace(escaped, ">", "&gt;", 0);
  return g_string_free(escaped, FALSE);
}

/* The fields as lines, with the receiver's marks around label and value, and the advice after them. */
static char *
lines(const NotifyWords *words, Escape escape, const char *before, const char *between, const char *after)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i + 1 < words->fields->len; i += 2) {
    g_autofree char *label = escape(words->fields->pdata[i]);
    g_autofree char *shortened_value = shortened(words->fields->pdata[i + 1], 600);
    g_autofree char *value = escape(shortened_value);
    g_string_append_printf(text, "%s%s%s%s%s", before, label, between, value, after);
  }
  if (words->advice != NULL) {
    g_autofree char *advice = escape(words->advice);
    g_string_append_printf(text, "\n%s", advice);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static json_t *
wechat_json(const NotifyWords *words, const NotifyMessage *message)
{
  g_autofree char *title = escape_three(words->title);
  g_autofree char *fields = lines(words, escape_three, "> ", ": ", "\n");
  const char *color = strcmp(notify_message_level(message), "info") == 0 ? "info" : "warning";
  g_autofree char *content = g_strdup_printf("## <font color=\"%s\">%s</font>\n%s", color, title, fields);
  g_autofree char *cut = shortened(content, MAX_TEXT_CHARACTERS / 3); /* the limit is in bytes */
  return json_pack("{s:s, s:{s:s}}", "msgtype", "markdown", "markdown", "content", cut);
}

static json_t *
dingtalk_json(const NotifyWords *words)
{
  g_autofree char *title = escape_three(words->title);
  g_autofree char *fields = lines(words, escape_three, "- **", "**: ", "\n");
  g_autofree char *text = g_strdup_printf("### %s\n\n%s", title, fields);
  return json_pack("{s:s, s:{s:s, s:s}}", "msgtype", "markdown", "markdown", "title", title, "text", text);
}

static json_t *
feishu_json(const NotifyChannel *channel, const NotifyWords *words, const NotifyMessage *message, gint64 now_us)
{
  const char *level = notify_message_level(message);
  const char *color = strcmp(level, "error") == 0 ? "red" : strcmp(level, "warning") == 0 ? "orange" : "green";
  g_autofree char *fields = lines(words, escape_three, "**", "**: ", "\n");
  json_t *body = json_pack("{s:s, s:{s:s, s:{s:{s:s, s:s}, s:s}, s:{s:[{s:s, s:s}]}}}", "msg_type", "interactive",
                           "card", "schema", "2.0", "header", "title", "tag", "plain_text", "content", words->title,
                           "template", color, "body", "elements", "tag", "markdown", "content", fields);
  const char *secret = setting(channel, "secret");
  if (secret != NULL) {
    g_autofree char *timestamp = g_strdup_printf("%" G_GINT64_FORMAT, now_us / G_USEC_PER_SEC);
    g_autofree char *key = g_strdup_printf("%s\n%s", timestamp, secret);
    g_autofree char *sign = hmac_base64(key, "");
    json_object_set_new(body, "timestamp", json_string(timestamp));
    json_object_set_new(body, "sign", json_string(sign));
  }
  return body;
}

static json_t *
telegram_json(const NotifyChannel *channel, const NotifyWords *words)
{
  g_autofree char *title = escape_html(words->title);
  g_autofree char *fields = lines(words, escape_html, "<b>", "</b>: ", "\n");
  g_autofree char *text = g_strdup_printf("<b>%s</b>\n\n%s", title, fields);
  return json_pack("{s:s, s:s, s:s, s:b}", "chat_id", setting(channel, "chatId"), "text", text, "parse_mode", "HTML",
                   "disable_web_page_preview", 1);
}

static json_t *
slack_json(const NotifyWords *words)
{
  g_autofree char *title = escape_three(words->title);
  g_autofree char *fields = lines(words, escape_three, "• ", ": ", "\n");
  g_autofree char *text = g_strdup_printf("*%s*\n%s", title, fields);
  return json_pack("{s:s}", "text", text);
}

static json_t *
webhook_json(const NotifyWords *words, const NotifyMessage *message)
{
  g_autofree char *text = notify_words_text(words);
  g_autofree char *since = notify_time_utc(message->since_s);
  g_autofree char *at = notify_time_utc(message->made_s);
  json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:s}", "id", message->id, "kind",
                           message->mood == NOTIFY_TEST ? "test" : notify_kind_name(message->kind), "mood",
                           notify_mood_name(message->mood), "level", notify_message_level(message), "subject",
                           message->subject, "title", words->title, "text", text, "advice", words->advice, "since",
                           since, "at", at, "host", message->host, "database", message->database);
  json_object_set(body, "details", message->details);
  return body;
}

/* The text with its {{names}} replaced; free with g_free. */
static char *
interpolate_text(const char *template, const char *const (*variables)[2], gsize n)
{
  GString *text = g_string_new(NULL);
  while (*template != '\0') {
    gsize i = 0;
    while (i < n && !g_str_has_prefix(template, variables[i][0]))
      i++;
    if (i < n)
      g_string_append(text, variables[i][1]);
    else
      g_string_append_c(text, *template);
    template += i < n ? strlen(variables[i][0]) : 1;
  }
  return g_string_free(text, FALSE);
}

static json_t *
interpolate(const json_t *value, const char *const (*variables)[2], gsize n)
{
  if (json_is_string(value)) {
    g_autofree char *text = interpolate_text(json_string_value(value), variables, n);
    return json_string(text);
  }
  json_t *copy = json_is_object(value) ? json_object() : json_is_array(value) ? json_array() : json_deep_copy(value);
  const char *name;
  gsize i;
  json_t *member;
  if (json_is_object(value))
    json_object_foreach((json_t *)value, name, member)
      json_object_set_new(copy, name, interpolate(member, variables, n));
  json_array_foreach(value, i, member)
    json_array_append_new(copy, interpolate(member, variables, n));
  return copy;
}

/* The hub's common names, and a few of ours; its other names stay as they stand. */
static json_t *
custom_json(const NotifyChannel *channel, const NotifyWords *words, const NotifyMessage *message)
{
  g_autofree char *text = notify_words_text(words);
  g_autofree char *at = notify_time_utc(message->made_s);
  g_autofree char *since = notify_time_utc(message->since_s);
  const char *const variables[][2] = {
      {"{{timestamp}}", at},
      {"{{timestamp_local}}", at},
      {"{{title}}", words->title},
      {"{{level}}", notify_message_level(message)},
      {"{{sections}}", text},
      {"{{kind}}", message->mood == NOTIFY_TEST ? "test" : notify_kind_name(message->kind)},
      {"{{mood}}", notify_mood_name(message->mood)},
      {"{{subject}}", message->subject},
      {"{{since}}", since},
      {"{{advice}}", words->advice != NULL ? words->advice : ""},
  };
  const json_t *template = json_object_get(channel->settings, "template");
  return json_is_object(template) ? interpolate(template, variables, G_N_ELEMENTS(variables)) : NULL;
}

static void
add_header(NotifyBody *body, const char *name, const char *value)
{
  if (strpbrk(value, "\r\n") == NULL && strpbrk(name, "\r\n: ") == NULL)
    g_ptr_array_add(body->headers, g_strdup_printf("%s: %s", name, value));
}

static void
add_custom_headers(const NotifyChannel *channel, NotifyBody *body)
{
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(channel->settings, "headers"), name, value)
    if (json_is_string(value))
      add_header(body, name, json_string_value(value));
}

static void
sign_webhook(const NotifyChannel *channel, const NotifyMessage *message, gint64 now_us, NotifyBody *body)
{
  const char *secret = setting(channel, "secret");
  add_header(body, "X-CCH-Message", message->id);
  if (secret == NULL)
    return;
  g_autofree char *timestamp = g_strdup_printf("%" G_GINT64_FORMAT, now_us / G_USEC_PER_SEC);
  g_autofree char *signed_text = g_strdup_printf("%s.%s", timestamp, body->text);
  g_autofree char *hex =
      g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret), signed_text, -1);
  g_autofree char *signature = g_strdup_printf("sha256=%s", hex);
  add_header(body, "X-CCH-Timestamp", timestamp);
  add_header(body, "X-CCH-Signature", signature);
}

/* Free with g_free; NULL if a setting is missing. */
static char *
url_of(const NotifyChannel *channel, gint64 now_us)
{
  const char *url = setting(channel, "url"), *secret = setting(channel, "secret");
  if (strcmp(channel->type, "telegram") == 0) {
    const char *api = setting(channel, "apiUrl"), *token = setting(channel, "botToken");
    g_autofree char *base = g_strdup(api != NULL ? api : "https://api.telegram.org");
    if (g_str_has_suffix(base, "/"))
      base[strlen(base) - 1] = '\0';
    return token != NULL ? g_strdup_printf("%s/bot%s/sendMessage", base, token) : NULL;
  }
  if (url == NULL || strcmp(channel->type, "dingtalk") != 0 || secret == NULL)
    return g_strdup(url);
  g_autofree char *timestamp = g_strdup_printf("%" G_GINT64_FORMAT, now_us / 1000);
  g_autofree char *signed_text = g_strdup_printf("%s\n%s", timestamp, secret);
  g_autofree char *sign = hmac_base64(secret, signed_text);
  g_autofree char *escaped = g_uri_escape_string(sign, NULL, FALSE);
  return g_strdup_printf("%s%stimestamp=%s&sign=%s", url, strchr(url, '?') != NULL ? "&" : "?", timestamp, escaped);
}

static json_t *
json_of(const NotifyChannel *channel, const NotifyMessage *message, const NotifyWords *words, gint64 now_us)
{
  if (strcmp(channel->type, "wechat") == 0)
    return wechat_json(words, message);
  if (strcmp(channel->type, "dingtalk") == 0)
    return dingtalk_json(words);
  if (strcmp(channel->type, "feishu") == 0)
    return feishu_json(channel, words, message, now_us);
  if (strcmp(channel->type, "telegram") == 0)
    return telegram_json(channel, words);
  if (strcmp(channel->type, "slack") == 0)
    return slack_json(words);
  if (strcmp(channel->type, "custom") == 0)
    return custom_json(channel, words, message);
  return webhook_json(words, message);
}

gboolean
notify_body_make(const NotifyChannel *channel, const NotifyMessage *message, gint64 now_us, NotifyBody *ret_body)
{
  Language language = strcmp(channel->language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_ZH_CN;
  g_auto(NotifyWords) words = notify_words(message, language);
  g_auto(NotifyBody) body = {.url = url_of(channel, now_us),
                             .content_type = "application/json; charset=utf-8",
                             .headers = g_ptr_array_new_with_free_func(g_free)};
  g_autoptr(json_t) json = json_of(channel, message, &words, now_us);
  body.text = json_to_text(json);
  if (body.url == NULL || body.text == NULL)
    return FALSE;
  if (strcmp(channel->type, "webhook") == 0)
    sign_webhook(channel, message, now_us, &body);
  if (strcmp(channel->type, "custom") == 0)
    add_custom_headers(channel, &body);
  g_ptr_array_add(body.headers, NULL);
  *ret_body = body;
  body = (NotifyBody){0};
  return TRUE;
}
