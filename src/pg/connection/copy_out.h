/* The two ways of COPY … TO STDOUT, for pg/ alone: by libpq, which holds a whole row and copies each, and by the
 * messages of the protocol straight from the socket (copy_out_wire.c), which does neither. */
#pragma once

#include "pg/connection/connection_private.h"

/* How a COPY's messages are read from the socket while libpq believes the connection idle. */
typedef struct CopyOutWire CopyOutWire;

/* TRUE where the socket carries the protocol's bytes as they are. */
gboolean copy_out_wire_is_possible(PgConnection *connection);

/* Sends the statement and waits for its COPY to begin. NULL on an error, after which the connection is idle, or lost.
 */
CopyOutWire *copy_out_wire_begin(PgConnection *connection, const char *sql, GError **error);
gssize copy_out_wire_read(CopyOutWire *wire, PgConnection *connection, guint8 *buffer, gsize size, GError **error);
void copy_out_wire_free(CopyOutWire *wire);
