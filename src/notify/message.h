/* A message and its words: what it is about, where, since when, and what to do. Private to notify. */
#pragma once

#include "base/language.h"
#include "notify/kinds.h"

#include <jansson.h>

typedef enum { NOTIFY_BAD, NOTIFY_REMINDER, NOTIFY_RECOVERED, NOTIFY_DONE, NOTIFY_TEST } NotifyMood;

typedef struct {
  char *id; /* unique in the database; "test" */
  NotifyKind kind;
  NotifyMood mood;
  char *subject, *host, *database;
  gint64 since_s, made_s; /* Unix time */
  json_t *details;
} NotifyMessage;

void notify_message_clear(NotifyMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotifyMessage, notify_message_clear)

/* "bad", "reminder", "recovered", "done", "test". */
const char *notify_mood_name(NotifyMood mood);
gboolean notify_mood_parse(const char *name, NotifyMood *ret_mood);
/* "error", "warning" or "info". */
const char *notify_message_level(const NotifyMessage *message);

typedef struct {
  char *title;
  GPtrArray *fields; /* label, value, label, value, … */
  char *advice;      /* NULL: there is nothing to do */
} NotifyWords;

NotifyWords notify_words(const NotifyMessage *message, Language language);
void notify_words_clear(NotifyWords *words);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotifyWords, notify_words_clear)

/* Everything but the title as plain lines; free with g_free. */
char *notify_words_text(const NotifyWords *words);
/* "2026-01-29T10:30:00Z"; free with g_free. */
char *notify_time_utc(gint64 time_s);
