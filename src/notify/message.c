#include "notify/message.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

static const char *const moods[] = {[NOTIFY_BAD] = "bad",
                                    [NOTIFY_REMINDER] = "reminder",
                                    [NOTIFY_RECOVERED] = "recovered",
                                    [NOTIFY_DONE] = "done",
                                    [NOTIFY_TEST] = "test"};

static const struct {
  TextId bad, good, advice;
} texts[] = {
#define NOTIFY_KIND(name, text, is_by_default)                                                                         \
  [NOTIFY_##name] = {TEXT_NOTIFY_##name##_BAD, TEXT_NOTIFY_##name##_GOOD, TEXT_NOTIFY_##name##_ADVICE},
#include "notify/kinds.def"
#undef NOTIFY_KIND
};

void
notify_message_clear(NotifyMessage *message)
{
  g_free(message->id);
  g_free(message->subject);
  g_free(message->host);
  g_free(message->database);
  json_decref(message->details);
  *message = (NotifyMessage){0};
}

const char *
notify_mood_name(NotifyMood mood)
{
  return moods[mood];
}

gboolean
notify_mood_parse(const char *name, NotifyMood *ret_mood)
{
  for (gsize i = 0; i < G_N_ELEMENTS(moods); i++)
    if (strcmp(moods[i], name) == 0) {
      *ret_mood = (NotifyMood)i;
      return TRUE;
    }
  return FALSE;
}

const char *
notify_message_level(const NotifyMessage *message)
{
  if (message->mood != NOTIFY_BAD && message->mood != NOTIFY_REMINDER)
    return "info";
  return message->kind == NOTIFY_PRICES_HELD || message->kind == NOTIFY_DISK_SHORT ? "warning" : "error";
}

char *
notify_time_utc(gint64 time_s)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}

/* In the service's time zone, which is named. */
static char *
local_time(gint64 time_s)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_s);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S %:z") : g_strdup("");
}

/* Takes ownership of the value; NULL is left out. */
static void
add_field(NotifyWords *words, Language language, TextId label, char *value)
{
  if (value == NULL)
    return;
  g_ptr_array_add(words->fields, g_strdup(text_get(label, language)));
  g_ptr_array_add(words->fields, value);
}

static char *
detail_text(const NotifyMessage *message, const char *name)
{
  const json_t *value = json_object_get(message->details, name);
  if (json_is_string(value))
    return g_strdup(json_string_value(value));
  return json_is_integer(value) ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value)) : NULL;
}

static char *
detail_bytes(const NotifyMessage *message, const char *name)
{
  const json_t *value = json_object_get(message->details, name);
  return json_is_integer(value) ? g_format_size_full((guint64)json_integer_value(value), G_FORMAT_SIZE_IEC_UNITS)
                                : NULL;
}

static char *
detail_seconds(const NotifyMessage *message, const char *name)
{
  const json_t *value = json_object_get(message->details, name);
  return json_is_integer(value) ? g_strdup_printf("%.1f s", (double)json_integer_value(value) / 1000) : NULL;
}

/* The text of an error code; NULL for none. */
static char *
error_words(const NotifyMessage *message, Language language)
{
  const char *code = json_string_value(json_object_get(message->details, "errorCode"));
  if (code == NULL)
    return NULL;
  for (ErrorCode i = 0; i < CCH_ERROR_COUNT; i++)
    if (strcmp(error_info_of(i)->code, code) == 0)
      return g_strdup_printf("%s (%s)", error_info_of(i)->text[language], code);
  return g_strdup(code);
}

static char *
subject_name(const NotifyMessage *message)
{
  const char *name = json_string_value(json_object_get(message->details, "name"));
  const char *colon = strchr(message->subject, ':');
  return g_strdup(name != NULL ? name : colon != NULL ? colon + 1 : message->subject);
}

static char *
title_of(const NotifyMessage *message, Language language)
{
  if (message->mood == NOTIFY_TEST)
    return g_strdup(text_get(TEXT_NOTIFY_TEST, language));
  g_autofree char *name = subject_name(message);
  gboolean is_bad = message->mood == NOTIFY_BAD || message->mood == NOTIFY_REMINDER;
  g_autofree char *title = text_format(is_bad ? texts[message->kind].bad : texts[message->kind].good, language, name);
  return message->mood == NOTIFY_REMINDER ? text_format(TEXT_NOTIFY_STILL, language, title) : g_steal_pointer(&title);
}

NotifyWords
notify_words(const NotifyMessage *message, Language language)
{
  NotifyWords words = {.title = title_of(message, language), .fields = g_ptr_array_new_with_free_func(g_free)};
  gboolean is_bad = message->mood == NOTIFY_BAD || message->mood == NOTIFY_REMINDER;
  add_field(&words, language, TEXT_NOTIFY_WHERE, g_strdup_printf("%s, %s", message->host, message->database));
  add_field(&words, language,
            message->mood == NOTIFY_DONE || message->mood == NOTIFY_TEST ? TEXT_NOTIFY_AT
            : is_bad                                                     ? TEXT_NOTIFY_SINCE
                                                                         : TEXT_NOTIFY_BAD_SINCE,
            local_time(message->since_s));
  if (message->mood == NOTIFY_RECOVERED)
    add_field(&words, language, TEXT_NOTIFY_AT, local_time(message->made_s));
  add_field(&words, language, TEXT_NOTIFY_ERROR, error_words(message, language));
  add_field(&words, language, TEXT_NOTIFY_REASON, detail_text(message, "reason"));
  add_field(&words, language, TEXT_NOTIFY_BACKUP, detail_text(message, "backup"));
  add_field(&words, language, TEXT_NOTIFY_DESTINATION, detail_text(message, "destination"));
  add_field(&words, language, TEXT_NOTIFY_HOLDER, detail_text(message, "holder"));
  add_field(&words, language, TEXT_NOTIFY_HOURS, detail_text(message, "hours"));
  add_field(&words, language, TEXT_NOTIFY_COUNT, detail_text(message, "count"));
  add_field(&words, language, TEXT_NOTIFY_BYTES, detail_bytes(message, "bytes"));
  add_field(&words, language, TEXT_NOTIFY_FREE_BYTES, detail_bytes(message, "freeBytes"));
  add_field(&words, language, TEXT_NOTIFY_DURATION, detail_seconds(message, "durationMs"));
  if (message->mood == NOTIFY_TEST)
    words.advice = g_strdup(text_get(TEXT_NOTIFY_TEST_ADVICE, language));
  else if (is_bad)
    words.advice = g_strdup(text_get(texts[message->kind].advice, language));
  return words;
}

void
notify_words_clear(NotifyWords *words)
{
  g_free(words->title);
  g_free(words->advice);
  if (words->fields != NULL)
    g_ptr_array_unref(words->fields);
  *words = (NotifyWords){0};
}

char *
notify_words_text(const NotifyWords *words)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i + 1 < words->fields->len; i += 2)
    g_string_append_printf(text, "%s: %s\n", (const char *)words->fields->pdata[i],
                           (const char *)words->fields->pdata[i + 1]);
  if (words->advice != NULL)
    g_string_append_printf(text, "\n%s\n", words->advice);
  return g_string_free(g_steal_pointer(&text), FALSE);
}
