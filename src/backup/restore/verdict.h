/* Judges a failed statement of a restore by its SQLSTATE (PostgreSQL's errcodes.txt), never by the words of its
 * message, which depend on the server's language. */
#pragma once

#include "archive/toc/toc.h"

typedef enum {
  VERDICT_FATAL,          /* roll back everything: connection, permission, memory, disk, and whatever is not known */
  VERDICT_EXISTS,         /* the object is there already, or the table has a primary key already */
  VERDICT_DUPLICATE_KEY,  /* a row with this key is there already */
  VERDICT_ROLE_MISSING,   /* a role that the statement names does not exist */
  VERDICT_COLUMN_MISSING, /* it belongs to a table that was kept and lacks a column it needs */
  VERDICT_LOCK_WAIT,      /* a lock was not to be had in time: try again */
  VERDICT_RESTART         /* a deadlock or serialisation failure: start the whole transaction again */
} Verdict;

/* `kind` is the TOC entry's; TOC_KIND_NONE where there is none. `keeps_present`: the way keeps tables that are there,
 * so that they can lack a column. */
Verdict verdict_of(const GError *error, TocKind kind, gboolean keeps_present);

/* TRUE for what an import may go on after. */
gboolean verdict_is_ignorable(Verdict verdict);
