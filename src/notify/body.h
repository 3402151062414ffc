/* What each type of channel is sent: address, headers and body. Private to notify; the types' forms are in send.h. */
#pragma once

#include "notify/channel.h"
#include "notify/message.h"

typedef struct {
  char *url;
  char *text; /* the body */
  const char *content_type;
  GPtrArray *headers; /* of "Name: value", NULL-terminated */
} NotifyBody;

void notify_body_clear(NotifyBody *body);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotifyBody, notify_body_clear)

/* For all types over HTTP, at `now_us` (Unix time). FALSE if a setting of the hub's target is missing. */
gboolean notify_body_make(const NotifyChannel *channel, const NotifyMessage *message, gint64 now_us,
                          NotifyBody *ret_body);
