/* A thread that keeps one lock. Only this thread uses the lock's resource (a Redis key, a database connection). It
 * checks the resource regularly, when its socket becomes readable, and on request, and finally releases it. The owner
 * never waits longer than requested: a resource that hangs is left to the thread, which frees it and ends when it can.
 *
 * When the lock turns out to be lost, the keeper triggers a GCancellable, once. Thread-safe, except for stopping. */
#pragma once

#include <gio/gio.h>

typedef struct Keeper Keeper;

typedef enum {
  KEEPER_HELD,
  KEEPER_AWAY, /* cannot be checked now; not lost */
  KEEPER_LOST  /* permanently */
} KeeperVerdict;

/* The thread's operations on the resource. */
typedef struct {
  KeeperVerdict (*check)(gpointer resource);
  void (*give_back)(gpointer resource);
  void (*free)(gpointer resource);
} KeeperActions;

typedef struct {
  const KeeperActions *actions;
  gpointer resource;      /* owned by the keeper from now on */
  int watch_fd;           /* the resource is checked when this is readable; -1: none */
  guint interval_ms;      /* between checks while held */
  guint away_interval_ms; /* between checks while away */
  KeeperVerdict verdict;  /* the current state */
  GCancellable *lost;     /* may be NULL */
} KeeperOptions;

/* INTERNAL if there are no descriptors or threads left; the resource then still belongs to the caller. */
Keeper *keeper_start(const KeeperOptions *options, GError **error);

/* Checks now. AWAY if there is no answer within `timeout_ms`. */
KeeperVerdict keeper_ask(Keeper *keeper, guint timeout_ms);

gboolean keeper_is_lost(Keeper *keeper);

/* Releases the lock and frees the keeper; waits at most `timeout_ms`. NULL is ignored. */
void keeper_stop(Keeper *keeper, guint timeout_ms);
