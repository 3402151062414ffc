/* What a service manager is told: systemd's protocol of sd_notify(3), one datagram to the socket in NOTIFY_SOCKET.
 *
 * Without a manager (no NOTIFY_SOCKET) every call does nothing. A failed one is ignored: the manager then acts by its
 * own limits. */
#pragma once

#include <glib.h>

typedef struct {
  char *path;        /* of the socket, "@…" in the abstract namespace; NULL: no manager */
  guint watchdog_ms; /* WATCHDOG=1 is expected at least this often; 0: never */
} NotifySocket;

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, and removes them, so that no child speaks for the service. Call it before any
 * thread reads the environment. A watchdog that is meant for another process (WATCHDOG_PID) is none. */
void notify_socket_take(NotifySocket *ret_socket);
void notify_socket_clear(NotifySocket *socket);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotifySocket, notify_socket_clear)

/* Sends lines of NAME=VALUE, as "READY=1\nSTATUS=…". TRUE if it was sent. Never waits. */
gboolean notify_socket_send(const NotifySocket *socket, const char *state);
