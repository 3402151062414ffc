/* Private to notify: what notify.c and state.c share. */
#pragma once

#include "notify/notify.h"

/* The name of this machine in messages. */
const char *notify_host(void);
