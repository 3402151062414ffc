/* A message as the text of a mail: MIME, UTF-8, in the forms of RFC 5322, 2045 and 2047. Private to notify. */
#pragma once

#include "notify/message.h"

/* Free with g_free. The addresses have been checked (settings.h). */
char *notify_mail_text(const NotifyMessage *message, const NotifyWords *words, const char *from,
                       const char *const *recipients, gint64 now_s);
