/* Reads the messages of a COPY … TO STDOUT (PostgreSQL's documentation, "Message Formats"). Each is a type byte, a
 * length of four bytes (most significant first, counting itself), and the content.
 *
 * libpq is idle meanwhile and has read everything up to the server's last ReadyForQuery. If it has also read the
 * beginning of a later message (a parameter that changed just then), the bytes here are no message. Every type and
 * length is checked, so this ends as an error. */
#include "pg/connection/copy_out.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
  BUFFER_BYTES = 64 * 1024,
  HEADER_BYTES = 5,
  MAX_ERROR_BYTES = 256 * 1024 /* of an error's fields */
};

struct CopyOutWire {
  gsize filled, taken; /* of the buffer */
  char type;           /* of the current message; 0: none */
  guint32 left;        /* bytes of it that have not arrived */
  GByteArray *fields;  /* the content of an ErrorResponse */
  GError *failure;     /* the server's error; the COPY is over once the server is ready again */
  gboolean is_over;    /* the server is ready: libpq may use the connection again */
  guint8 buffer[BUFFER_BYTES];
};

void
copy_out_wire_free(CopyOutWire *wire)
{
  if (wire == NULL)
    return;
  g_byte_array_unref(wire->fields);
  g_clear_error(&wire->failure);
  g_free(wire);
}

gboolean
copy_out_wire_is_possible(PgConnection *connection)
{
  return !PQsslInUse(connection->conn) && !PQgssEncInUse(connection->conn) && PQprotocolVersion(connection->conn) == 3;
}

static gboolean
send_query(PgConnection *connection, const char *sql, GError **error)
{
  gsize sql_size = strlen(sql) + 1;
  guint32 length = GUINT32_TO_BE((guint32)(sql_size + 4));
  g_autoptr(GByteArray) message = g_byte_array_sized_new((guint)sql_size + HEADER_BYTES);
  g_byte_array_append(message, (const guint8 *)"Q", 1);
  g_byte_array_append(message, (const guint8 *)&length, sizeof length);
  g_byte_array_append(message, (const guint8 *)sql, (guint)sql_size);
  for (gsize sent = 0; sent < message->len;) {
    gssize n = send(PQsocket(connection->conn), message->data + sent, message->len - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += (gsize)n;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!pg_wait(connection, POLLOUT, error))
        return FALSE;
    } else if (errno != EINTR) {
      error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection to the database was lost: %s",
                g_strerror(errno));
      return FALSE;
    }
  }
  return TRUE;
}

/* Reads available bytes into the empty buffer, waiting for at least one. */
static gboolean
fill_buffer(CopyOutWire *wire, PgConnection *connection, GError **error)
{
  for (;;) {
    gssize n = recv(PQsocket(connection->conn), wire->buffer, BUFFER_BYTES, 0);
    if (n > 0) {
      wire->filled = (gsize)n;
      wire->taken = 0;
      return TRUE;
    }
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!pg_wait(connection, POLLIN, error))
        return FALSE;
      continue;
    }
    /* A server that shuts down sends an error before it closes the connection. */
    if (wire->failure != NULL)
      g_propagate_error(error, g_steal_pointer(&wire->failure));
    else
      error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection to the database was lost%s%s", n < 0 ? ": " : "",
                n < 0 ? g_strerror(errno) : "");
    return FALSE;
  }
}

/* Takes up to `size` bytes of the current message; NULL target: discards them. */
static gboolean
take_bytes(CopyOutWire *wire, PgConnection *connection, guint8 *target, gsize size, gsize *ret_taken, GError **error)
{
  if (wire->taken == wire->filled && !fill_buffer(wire, connection, error))
    return FALSE;
  gsize n = MIN(size, wire->filled - wire->taken);
  if (target != NULL)
    memcpy(target, wire->buffer + wire->taken, n);
  wire->taken += n;
  *ret_taken = n;
  return TRUE;
}

static gboolean
read_header(CopyOutWire *wire, PgConnection *connection, GError **error)
{
  guint8 header[HEADER_BYTES];
  for (gsize have = 0, n; have < HEADER_BYTES; have += n)
    if (!take_bytes(wire, connection, header + have, HEADER_BYTES - have, &n, error))
      return FALSE;
  guint32 length = (guint32)header[1] << 24 | (guint32)header[2] << 16 | (guint32)header[3] << 8 | header[4];
  /* No message exceeds PostgreSQL's maximum allocation. */
  if (strchr("HdcCZENSATD", header[0]) == NULL || header[0] == '\0' || length < 4 || length > 0x40000000) {
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "an unexpected message from the server (type %d)", header[0]);
    return FALSE;
  }
  wire->type = (char)header[0];
  wire->left = length - 4;
  return TRUE;
}

/* The fields of an ErrorResponse: a code byte and a string each, then a zero byte. */
static void
set_failure(CopyOutWire *wire, PgConnection *connection)
{
  PgErrorFields fields = {0};
  g_byte_array_append(wire->fields, (const guint8 *)"\0", 2);
  const char *at = (const char *)wire->fields->data;
  const char *end = at + wire->fields->len;
  while (at < end && *at != '\0') {
    const char *value = at + 1;
    switch (*at) {
    case 'C':
      fields.sqlstate = value;
      break;
    case 'M':
      fields.primary = value;
      break;
    case 'D':
      fields.detail = value;
      break;
    case 'W':
      fields.context = value;
      break;
    case 'R':
      fields.source_function = value;
      break;
    default:
      break;
    }
    at = value + strnlen(value, (gsize)(end - value)) + 1;
  }
  if (wire->failure == NULL)
    pg_set_error_fields(connection, &fields, &wire->failure);
  g_byte_array_set_size(wire->fields, 0);
}

/* Reads the rest of a message without rows. */
static gboolean
read_content(CopyOutWire *wire, PgConnection *connection, GError **error)
{
  while (wire->left > 0) {
    gsize n;
    if (!take_bytes(wire, connection, NULL, wire->left, &n, error))
      return FALSE;
    if (wire->type == 'E' && wire->fields->len + n <= MAX_ERROR_BYTES)
      g_byte_array_append(wire->fields, wire->buffer + wire->taken - n, (guint)n);
    wire->left -= (guint32)n;
  }
  if (wire->type == 'E')
    set_failure(wire, connection);
  wire->is_over = wire->type == 'Z';
  return TRUE;
}

/* Finds the next message with rows; FALSE at an error or, with *ret_is_ended, at the statement's end. */
static gboolean
next_rows(CopyOutWire *wire, PgConnection *connection, gboolean *ret_is_ended, GError **error)
{
  *ret_is_ended = FALSE;
  while (wire->left == 0 || wire->type != 'd') {
    if (!read_header(wire, connection, error))
      return FALSE;
    if (wire->type == 'd')
      continue;
    if (!read_content(wire, connection, error))
      return FALSE;
    if (!wire->is_over)
      continue;
    if (wire->failure == NULL)
      *ret_is_ended = TRUE;
    else
      g_propagate_error(error, g_steal_pointer(&wire->failure));
    return FALSE;
  }
  return TRUE;
}

/* libpq could not interpret what the server sends now: discards it and makes libpq find the connection lost. */
static void
discard_connection(CopyOutWire *wire, PgConnection *connection)
{
  int fd = PQsocket(connection->conn);
  shutdown(fd, SHUT_RDWR);
  while (recv(fd, wire->buffer, BUFFER_BYTES, 0) > 0)
    ;
  PQconsumeInput(connection->conn);
}

CopyOutWire *
copy_out_wire_begin(PgConnection *connection, const char *sql, GError **error)
{
  CopyOutWire *wire = g_malloc(sizeof *wire);
  memset(wire, 0, offsetof(CopyOutWire, buffer));
  wire->fields = g_byte_array_new();
  gboolean is_begun = send_query(connection, sql, error);
  while (is_begun && wire->type != 'H') {
    is_begun = read_header(wire, connection, error) && read_content(wire, connection, error);
    if (is_begun && wire->is_over) {
      is_begun = FALSE;
      if (wire->failure != NULL)
        g_propagate_error(error, g_steal_pointer(&wire->failure));
      else
        error_set(error, CCH_ERROR_DATABASE_QUERY, "the statement is not a COPY TO STDOUT");
    }
  }
  if (is_begun)
    return wire;
  if (!wire->is_over)
    discard_connection(wire, connection);
  copy_out_wire_free(wire);
  return NULL;
}

static gssize
read_rows(CopyOutWire *wire, PgConnection *connection, guint8 *buffer, gsize size, GError **error)
{
  gsize done = 0;
  while (done < size) {
    /* The buffer has no more, and reading would have to wait. */
    if (done > 0 && wire->taken == wire->filled)
      break;
    gboolean is_ended = FALSE;
    if (wire->left == 0 || wire->type != 'd') {
      /* The next call reports the end, or an error. */
      if (done > 0 && wire->filled - wire->taken < HEADER_BYTES)
        break;
      if (done > 0 && wire->buffer[wire->taken] != 'd')
        break;
      if (!next_rows(wire, connection, &is_ended, error))
        return is_ended ? 0 : -1;
    }
    gsize n;
    if (!take_bytes(wire, connection, buffer + done, MIN(size - done, wire->left), &n, error))
      return -1;
    wire->left -= (guint32)n;
    done += n;
  }
  return (gssize)done;
}

gssize
copy_out_wire_read(CopyOutWire *wire, PgConnection *connection, guint8 *buffer, gsize size, GError **error)
{
  gssize n = read_rows(wire, connection, buffer, size, error);
  if (n < 0 && !wire->is_over)
    discard_connection(wire, connection);
  return n;
}
