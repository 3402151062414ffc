/* Judges a failed statement of a restore by its SQLSTATE (PostgreSQL's errcodes.txt), never by the words of its
 * message, which depend on the server's language. */
#pragma once

#include "archive/toc/toc.h"

typedef enum {
  VERDICT_FATAL,          /* roll back everything: connection, permission, memory, disk, and every unknown error */
  VERDICT_EXISTS,         /* the object exists, or the table already has a primary key */
  VERDICT_DUPLICATE_KEY,  /* a row with this key exists */
  VERDICT_ROLE_MISSING,   /* a role that the statement names does not exist */
  VERDICT_NOT_ALLOWED,    /* this role may not make it, or the server does not know the privilege; nothing needs it */
  VERDICT_COLUMN_MISSING, /* the object belongs to a table that was kept and lacks a column */
  VERDICT_LOCK_WAIT,      /* a lock was not available in time: try again */
  VERDICT_RESTART         /* a deadlock or serialisation failure: start the whole transaction again */
} Verdict;

/* `kind` is the TOC entry's; TOC_KIND_NONE without an entry. `keeps_present`: the way keeps existing tables, which
 * may lack columns. */
Verdict verdict_of(const GError *error, TocKind kind, gboolean keeps_present);

/* Whether an import may go on after it. */
gboolean verdict_is_ignorable(Verdict verdict);
