/* The SQL of a TOC entry, taken apart or completed as pg_restore does it (PostgreSQL 15, src/bin/pg_dump/
 * pg_backup_archiver.c). The texts are pg_dump's own, so their forms are few; anything else is ARCHIVE_UNSUPPORTED. */
#pragma once

#include "archive/toc/toc.h"

/* Reads an identifier as pg_dump writes it, bare or quoted; NULL when there is none. Moves *cursor behind it. Free with
 * g_free. */
char *entry_read_identifier(const char **cursor);

/* The end of the word, quoted text, comment or single character of SQL that starts at `p`. */
const char *entry_skip_token(const char *p);

/* The columns of "COPY public.users (id, "Name") FROM stdin;", unquoted; an empty vector for a table without columns.
 * Free with g_strfreev. */
gboolean entry_copy_columns(const TocEntry *entry, char ***ret_columns, GError **error);

/* The table of that statement: for a partition whose rows are loaded by way of its root (pg_dump
 * --load-via-partition-root, and always where it hashes values of an enum), the root. */
gboolean entry_copy_target(const TocEntry *entry, char **ret_schema, char **ret_table, GError **error);

/* The statement that drops the entry's object if it is there, for kinds of objects that are not in a schema; NULL when
 * it has none. Large objects: see entry_large_objects. */
char *entry_drop_if_exists(const TocEntry *entry);

/* "ALTER TABLE public.users OWNER TO app", or NULL for a kind of object without an owner of its own. */
char *entry_owner_statement(const TocEntry *entry);

/* Splits SQL at its top-level semicolons; quotes, dollar quotes and comments are respected. Free with g_strfreev. */
char **entry_split_statements(const char *sql);

/* The parts of "SELECT pg_catalog.setval('public.users_id_seq', 10, true);". */
typedef struct {
  char *sequence; /* as regclass reads it: "public.users_id_seq" */
  gint64 value;
  gboolean is_called;
} EntrySequenceSet;

gboolean entry_sequence_set(const TocEntry *entry, EntrySequenceSet *ret_set, GError **error);
void entry_sequence_set_clear(EntrySequenceSet *set);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EntrySequenceSet, entry_sequence_set_clear)

/* The OIDs of the large objects that a BLOB (tag) or BLOB METADATA (list in defn, from 1.16) entry creates. */
gboolean entry_large_objects(const TocEntry *entry, GArray **ret_oids, GError **error);

/* "users" → "public.users" for messages; free with g_free. */
char *entry_display_name(const TocEntry *entry);

/* "LATIN1": the encoding of all strings of the archive, and of its rows, by its ENCODING entry; NULL for other entries.
 * Free with g_free. */
char *entry_encoding(const TocEntry *entry);

/* Whether it grants or revokes. */
gboolean entry_is_access(const TocEntry *entry);
