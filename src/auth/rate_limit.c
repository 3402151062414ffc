#include "auth/rate_limit.h"

#include <arpa/inet.h>
#include <string.h>

typedef struct {
  char *address;
  gint64 failed_s[RATE_LIMIT_FAILURES]; /* a ring */
  guint n_failures;                     /* in total; the ring holds the last ones */
  gint64 locked_until_s;                /* 0: not locked */
  GList *link;                          /* in `oldest_first` */
} Entry;

struct RateLimit {
  GMutex mutex;
  GHashTable *entries; /* address → Entry */
  GQueue oldest_first;
};

static void
entry_free(gpointer data)
{
  Entry *entry = data;
  g_free(entry->address);
  g_free(entry);
}

RateLimit *
rate_limit_new(void)
{
  RateLimit *limit = g_new0(RateLimit, 1);
  g_mutex_init(&limit->mutex);
  limit->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
  g_queue_init(&limit->oldest_first);
  return limit;
}

void
rate_limit_free(RateLimit *limit)
{
  if (limit == NULL)
    return;
  g_queue_clear(&limit->oldest_first);
  g_hash_table_unref(limit->entries);
  g_mutex_clear(&limit->mutex);
  g_free(limit);
}

/* One customer of an IPv6 network has 2^64 addresses. */
static char *
counted_address(const char *address)
{
  struct in6_addr in6;
  if (inet_pton(AF_INET6, address, &in6) != 1)
    return g_strdup(address);
  memset(&in6.s6_addr[8], 0, 8);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &in6, text, sizeof text);
  return g_strdup(text);
}

static void
forget(RateLimit *limit, Entry *entry)
{
  g_queue_delete_link(&limit->oldest_first, entry->link);
  g_hash_table_remove(limit->entries, entry->address);
}

static Entry *
find_or_add(RateLimit *limit, const char *address)
{
  Entry *entry = g_hash_table_lookup(limit->entries, address);
  if (entry == NULL) {
    if (g_hash_table_size(limit->entries) >= RATE_LIMIT_ADDRESSES)
      forget(limit, g_queue_peek_head(&limit->oldest_first));
    entry = g_new0(Entry, 1);
    entry->address = g_strdup(address);
    g_hash_table_insert(limit->entries, entry->address, entry);
  } else {
    g_queue_delete_link(&limit->oldest_first, entry->link);
  }
  g_queue_push_tail(&limit->oldest_first, entry);
  entry->link = g_queue_peek_tail_link(&limit->oldest_first);
  return entry;
}

guint
rate_limit_wait(RateLimit *limit, const char *address, gint64 now_s)
{
  g_autofree char *counted = counted_address(address);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&limit->mutex);
  Entry *entry = g_hash_table_lookup(limit->entries, counted);
  if (entry == NULL || entry->locked_until_s <= now_s)
    return 0;
  return (guint)(entry->locked_until_s - now_s);
}

void
rate_limit_fail(RateLimit *limit, const char *address, gint64 now_s)
{
  g_autofree char *counted = counted_address(address);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&limit->mutex);
  Entry *entry = find_or_add(limit, counted);
  entry->failed_s[entry->n_failures % RATE_LIMIT_FAILURES] = now_s;
  entry->n_failures++;
  if (entry->n_failures < RATE_LIMIT_FAILURES)
    return;
  gint64 oldest_s = entry->failed_s[entry->n_failures % RATE_LIMIT_FAILURES];
  if (now_s - oldest_s < RATE_LIMIT_WINDOW_S) {
    entry->locked_until_s = now_s + RATE_LIMIT_LOCKOUT_S;
    entry->n_failures = 0;
  }
}

void
rate_limit_succeed(RateLimit *limit, const char *address)
{
  g_autofree char *counted = counted_address(address);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&limit->mutex);
  Entry *entry = g_hash_table_lookup(limit->entries, counted);
  if (entry != NULL)
    forget(limit, entry);
}

guint
rate_limit_n_addresses(RateLimit *limit)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&limit->mutex);
  return g_hash_table_size(limit->entries);
}
