/* Parses and completes the SQL of TOC entries as pg_restore does (PostgreSQL 15, src/bin/pg_dump/
 * pg_backup_archiver.c). pg_dump writes few forms; any other form is ARCHIVE_UNSUPPORTED. */
#pragma once

#include "archive/toc/toc.h"

/* Reads an identifier as pg_dump writes it, bare or quoted, and moves *cursor behind it; NULL if there is none. Free
 * with g_free. */
char *entry_read_identifier(const char **cursor);

/* Returns the end of the token that starts at `p`: a word, quoted text, a comment or a single character. */
const char *entry_skip_token(const char *p);

/* The columns of "COPY public.users (id, "Name") FROM stdin;", unquoted. A table without columns gives an empty
 * vector. Free with g_strfreev. */
gboolean entry_copy_columns(const TocEntry *entry, char ***ret_columns, GError **error);

/* The table that the COPY statement names. For a partition whose rows are loaded through its root, it is the root:
 * with pg_dump --load-via-partition-root, and always for hash partitions over an enum. */
gboolean entry_copy_target(const TocEntry *entry, char **ret_schema, char **ret_table, GError **error);

/* The COPY statement with the table's schema, which archives of PostgreSQL 10 and older leave out. Free with g_free. */
char *entry_copy_statement(const TocEntry *entry, GError **error);

/* Whether a part of a table has the table's name in front in its tag: "users users_pkey". pg_dump 10 and older do not
 * write it there. */
gboolean entry_is_tagged_by(const TocEntry *part, const TocEntry *table);

/* The statement that drops the entry's object if it exists, for object kinds outside schemas; NULL for other kinds.
 * For large objects use entry_large_objects. */
char *entry_drop_if_exists(const TocEntry *entry);

/* "ALTER TABLE public.users OWNER TO app"; NULL for object kinds without an owner of their own. */
char *entry_owner_statement(const TocEntry *entry);

/* Splits SQL at top-level semicolons, outside quotes, dollar quotes and comments. Free with g_strfreev. */
char **entry_split_statements(const char *sql);

/* A statement for each privilege of a GRANT or REVOKE, be it in ALTER DEFAULT PRIVILEGES; none for other statements.
 * Free with g_strfreev. */
char **entry_split_privileges(const char *statement);

/* The arguments of "SELECT pg_catalog.setval('public.users_id_seq', 10, true);". */
typedef struct {
  char *sequence; /* in regclass syntax, with the schema even where the archive has none: "public.users_id_seq" */
  gint64 value;
  gboolean is_called;
} EntrySequenceSet;

gboolean entry_sequence_set(const TocEntry *entry, EntrySequenceSet *ret_set, GError **error);
void entry_sequence_set_clear(EntrySequenceSet *set);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EntrySequenceSet, entry_sequence_set_clear)

/* The OIDs of the large objects that a BLOB (tag) or BLOB METADATA (list in defn, from 1.16) entry creates. */
gboolean entry_large_objects(const TocEntry *entry, GArray **ret_oids, GError **error);

/* "public.users", for messages; free with g_free. */
char *entry_display_name(const TocEntry *entry);

/* The encoding of the archive's strings and rows ("LATIN1"), from its ENCODING entry; NULL for other entries. Free
 * with g_free. */
char *entry_encoding(const TocEntry *entry);

/* Whether the entry grants or revokes. */
gboolean entry_is_access(const TocEntry *entry);
