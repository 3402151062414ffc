/* A thread that keeps one held lock: it alone touches the lock's resource (a Redis key, a database connection), checks
 * it regularly, when its socket stirs, and when asked, and gives it back in the end. Whoever owns the keeper never
 * waits longer than asked: a resource that hangs is left to the thread, which ends, and frees it, whenever it can.
 *
 * When the lock turns out to be lost, the keeper triggers a GCancellable, once. Thread-safe but for stopping. */
#pragma once

#include <gio/gio.h>

typedef struct Keeper Keeper;

typedef enum {
  KEEPER_HELD,
  KEEPER_AWAY, /* cannot be asked now; no loss */
  KEEPER_LOST  /* for good */
} KeeperVerdict;

/* What the thread does with the resource. */
typedef struct {
  KeeperVerdict (*check)(gpointer resource);
  void (*give_back)(gpointer resource);
  void (*free)(gpointer resource);
} KeeperActions;

typedef struct {
  const KeeperActions *actions;
  gpointer resource;      /* from now on the keeper's */
  int watch_fd;           /* checked at once when it is readable; -1: none */
  guint interval_ms;      /* between checks while held */
  guint away_interval_ms; /* and while away */
  KeeperVerdict verdict;  /* the state now */
  GCancellable *lost;     /* may be NULL */
} KeeperOptions;

/* INTERNAL when there are no descriptors or threads left; the resource is then still the caller's. */
Keeper *keeper_start(const KeeperOptions *options, GError **error);

/* Checks now. AWAY when there is no answer within `timeout_ms`. */
KeeperVerdict keeper_ask(Keeper *keeper, guint timeout_ms);

gboolean keeper_is_lost(Keeper *keeper);

/* Gives the lock back and frees the keeper; waits for that at most `timeout_ms`. NULL is ignored. */
void keeper_stop(Keeper *keeper, guint timeout_ms);
