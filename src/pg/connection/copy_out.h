/* The two implementations of COPY … TO STDOUT, private to pg/: through libpq, which holds and copies each whole row,
 * and by reading protocol messages directly from the socket (copy_out_wire.c), without either. */
#pragma once

#include "pg/connection/connection_private.h"

/* Reads a COPY's messages from the socket while libpq considers the connection idle. */
typedef struct CopyOutWire CopyOutWire;

/* TRUE if the socket carries the protocol's bytes unencrypted. */
gboolean copy_out_wire_is_possible(PgConnection *connection);

/* Sends the statement and waits for its COPY to begin. NULL on an error, after which the connection is idle or lost. */
CopyOutWire *copy_out_wire_begin(PgConnection *connection, const char *sql, GError **error);
gssize copy_out_wire_read(CopyOutWire *wire, PgConnection *connection, guint8 *buffer, gsize size, GError **error);
void copy_out_wire_free(CopyOutWire *wire);
