#include "notify/mail_text.h"

#include "base/random_id.h"

#include <string.h>

enum { WORD_BYTES = 42 /* 56 in base64: with its marks an encoded word has at most 75 characters */, LINE_BYTES = 57 };

/* As encoded words, each of whole characters. */
static void
append_encoded(GString *text, const char *plain)
{
  while (*plain != '\0') {
    gsize size = 0;
    while (plain[size] != '\0') {
      gsize next = (gsize)(g_utf8_next_char(plain + size) - plain);
      if (next > WORD_BYTES)
        break;
      size = next;
    }
    g_autofree char *word = g_base64_encode((const guchar *)plain, size);
    g_string_append_printf(text, "=?UTF-8?B?%s?=", word);
    plain += size;
    g_string_append(text, *plain != '\0' ? "\r\n " : "");
  }
}

static void
append_base64(GString *text, const char *plain)
{
  gsize left = strlen(plain);
  for (gsize at = 0; left > 0;) {
    gsize size = MIN(left, LINE_BYTES);
    g_autofree char *line = g_base64_encode((const guchar *)plain + at, size);
    g_string_append_printf(text, "%s\r\n", line);
    at += size;
    left -= size;
  }
}

/* In English, whatever the locale is. */
static char *
mail_date(gint64 now_s)
{
  static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(now_s);
  return g_strdup_printf("%s, %d %s %d %02d:%02d:%02d +0000", days[g_date_time_get_day_of_week(now) - 1],
                         g_date_time_get_day_of_month(now), months[g_date_time_get_month(now) - 1],
                         g_date_time_get_year(now), g_date_time_get_hour(now), g_date_time_get_minute(now),
                         g_date_time_get_second(now));
}

char *
notify_mail_text(const NotifyMessage *message, const NotifyWords *words, const char *from,
                 const char *const *recipients, gint64 now_s)
{
  g_autoptr(GString) text = g_string_new(NULL);
  g_autofree char *date = mail_date(now_s);
  g_autofree char *id = random_id_new(16);
  g_autofree char *to = g_strjoinv(",\r\n ", (char **)recipients);
  g_autofree char *body = notify_words_text(words);
  g_autofree char *whole = g_strdup_printf("%s\n\n%s", words->title, body);
  g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);
  g_autofree char *crlf = g_strjoinv("\r\n", lines);
  g_string_append_printf(text, "Date: %s\r\nFrom: cch-data <%s>\r\nTo: %s\r\nMessage-ID: <%s@%s>\r\n", date, from, to,
                         id, strchr(from, '@') + 1);
  g_string_append(text, "Subject: ");
  g_autofree char *subject = g_strdup_printf("[cch-data] %s", words->title);
  append_encoded(text, subject);
  /* No holiday replies to a program. */
  g_string_append_printf(text,
                         "\r\nAuto-Submitted: auto-generated\r\nX-CCH-Message: %s\r\nMIME-Version: 1.0\r\n"
                         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                         message->id);
  append_base64(text, crlf);
  return g_string_free(g_steal_pointer(&text), FALSE);
}
