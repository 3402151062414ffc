/* Counts failed logins by address: ten failures within five minutes lock the address out for fifteen minutes. The
 * counts are in memory and bounded; the address whose failure is oldest is forgotten first. IPv6 addresses count by
 * their /64. Thread-safe. */
#pragma once

#include <glib.h>

#define RATE_LIMIT_FAILURES  10
#define RATE_LIMIT_WINDOW_S  300
#define RATE_LIMIT_LOCKOUT_S 900
#define RATE_LIMIT_ADDRESSES 10000

typedef struct RateLimit RateLimit;

RateLimit *rate_limit_new(void);
void rate_limit_free(RateLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RateLimit, rate_limit_free)

/* Seconds until the lock-out ends; 0: not locked out. `now_s` is from any monotonic clock. */
guint rate_limit_wait(RateLimit *limit, const char *address, gint64 now_s);
void rate_limit_fail(RateLimit *limit, const char *address, gint64 now_s);
/* A success forgets the failures. */
void rate_limit_succeed(RateLimit *limit, const char *address);
guint rate_limit_n_addresses(RateLimit *limit);
