/* An archive's header and table of contents, as PostgreSQL's pg_dump writes them in custom format
 * (src/bin/pg_dump/pg_backup_archiver.c, WriteHead and WriteToc; versions 1.12 to 1.16). */
#pragma once

#include <glib.h>

typedef enum {
  ARCHIVE_COMPRESSION_NONE = 0,
  ARCHIVE_COMPRESSION_GZIP = 1, /* a zlib stream */
  ARCHIVE_COMPRESSION_LZ4 = 2,  /* LZ4 frames */
  ARCHIVE_COMPRESSION_ZSTD = 3
} ArchiveCompression;

#define ARCHIVE_CREATED_FIELDS 7

/* Minor versions that changed the layout. */
#define TOC_VERSION_TABLE_AM              14
#define TOC_VERSION_COMPRESSION_ALGORITHM 15
#define TOC_VERSION_RELKIND               16

typedef struct {
  guint8 version_minor; /* 12 to 16; the major version is 1 */
  guint8 version_revision;
  guint8 int_size;    /* bytes of an integer, without its sign byte */
  guint8 offset_size; /* bytes of an offset */
  ArchiveCompression compression;
  int compression_level;                      /* up to 1.14; -1 is zlib's default. 0 from 1.15 on */
  int created_fields[ARCHIVE_CREATED_FIELDS]; /* as stored: struct tm's, from tm_sec to tm_year, and tm_isdst */
  char *created;  /* the same as text: the dumping machine's local time, "2026-01-29T10:30:00" */
  char *database; /* may be NULL, as may the next two */
  char *server_version;
  char *pg_dump_version;
} ArchiveHeader;

typedef enum { SECTION_NONE = 1, SECTION_PRE_DATA = 2, SECTION_DATA = 3, SECTION_POST_DATA = 4 } ArchiveSection;

/* The state of an entry's data block according to the TOC. */
typedef enum {
  OFFSET_NOT_SET = 1, /* there is a block, whose offset the writer could not seek back to store */
  OFFSET_SET = 2,
  OFFSET_NO_DATA = 3
} ArchiveOffsetState;

/* Strings are NULL if the archive has NULL. None is guaranteed to be UTF-8. */
typedef struct {
  int dump_id;
  gboolean had_dumper; /* the entry should have a data block */
  guint32 catalog_oid; /* OID in pg_class, or in the catalog of this kind of object */
  guint32 object_oid;
  char *tag;  /* "users", "mean(integer)", "FUNCTION f(integer)" for a comment or an ACL */
  char *desc; /* "TABLE", "TABLE DATA", "FK CONSTRAINT", … */
  ArchiveSection section;
  char *defn;      /* SQL that creates it */
  char *drop_stmt; /* SQL that drops it */
  char *copy_stmt; /* "COPY public.users (id, name) FROM stdin;\n" */
  char *namespace_name;
  char *tablespace;
  char *table_am;
  char relkind; /* since 1.16; otherwise 0 */
  char *owner;
  int *dependencies; /* dump IDs */
  guint n_dependencies;
  ArchiveOffsetState offset_state;
  gint64 offset;
} TocEntry;

void toc_entry_clear(TocEntry *entry);
void archive_header_clear(ArchiveHeader *header);

/* "none", "gzip", "lz4", "zstd". */
const char *archive_compression_name(ArchiveCompression compression);

typedef enum {
  TOC_KIND_NONE,  /* no entry */
  TOC_KIND_OTHER, /* a kind that is not in kinds.def */
#define TOC_KIND(name, desc, flags) TOC_KIND_##name,
#include "archive/toc/kinds.def"
#undef TOC_KIND
  TOC_KIND_COUNT
} TocKind;

/* Properties that kinds of entries share. */
typedef enum {
  TOC_SESSION = 1 << 0,         /* a setting of the restoring session */
  TOC_ACCESS = 1 << 1,          /* grants and default privileges */
  TOC_LARGE_OBJECTS = 1 << 2,   /* large objects themselves, without their data */
  TOC_RELATION = 1 << 3,        /* is locked when an object is built upon it */
  TOC_TAGGED_BY_TABLE = 1 << 4, /* the tag is "table name", and it may depend on other tables, too */
  TOC_FOLLOWS = 1 << 5,         /* is needed by an object that needs its parent */
  TOC_PART = 1 << 6,            /* belongs to a chosen table */
  TOC_ATTRIBUTE = 1 << 7,       /* left alone if its object existed already */
  TOC_DROPPED_FIRST = 1 << 8,   /* in no schema, and depends on objects in schemas */
  TOC_DROPPED_LAST = 1 << 9,    /* in no schema, and objects in schemas depend on it */
  TOC_OWNER_BY_NAME = 1 << 10,  /* ALTER … OWNER names it by its kind and name (_getObjectDescription) */
  TOC_OWNER_AS_TABLE = 1 << 11, /* by TABLE and its name */
  TOC_OWNER_BY_DROP = 1 << 12,  /* or as its DROP statement does */
  TOC_OVER_ROWS = 1 << 13,      /* built from rows, which may contradict it */
  TOC_DISPENSABLE = 1 << 14     /* no rows, keys or constraints need it: left out where this role may not make it */
} TocKindFlags;

/* The kind of a desc; TOC_KIND_NONE for NULL. */
TocKind toc_kind_of(const char *desc);
/* The kind of an entry; TOC_KIND_NONE for NULL. */
TocKind toc_entry_kind(const TocEntry *entry);
/* `kind` is one of kinds.def. */
gboolean toc_entry_is(const TocEntry *entry, TocKind kind);
/* TRUE if the kind has one of these flags. */
gboolean toc_kind_has(TocKind kind, TocKindFlags flags);
gboolean toc_entry_has(const TocEntry *entry, TocKindFlags flags);
