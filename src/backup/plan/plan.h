/* The restore plan: which entries of an archive are applied, as what, and in which order. It asks only the archive; how
 * a step is applied (overwriting, merging) is others' business. */
#pragma once

#include "archive/read/reader.h"

typedef enum {
  STEP_SQL,           /* run the entry's defn */
  STEP_ACCESS,        /* likewise, statement by statement: grants */
  STEP_ROWS,          /* a table's rows */
  STEP_SEQUENCE,      /* a sequence's value */
  STEP_LARGE_OBJECTS, /* create large objects */
  STEP_LARGE_OBJECT_DATA
} StepKind;

/* In the order of execution; pg_restore's passes (RestorePass in pg_backup_archiver.h) with the main one cut by
 * section. */
typedef enum {
  STAGE_PRE_DATA,
  STAGE_DATA,
  STAGE_POST_DATA,
  STAGE_ACCESS, /* ACLs, so that no REVOKE stops us */
  STAGE_LAST,   /* event triggers, contents of materialized views */
  STAGE_COUNT
} PlanStage;

typedef struct {
  const TocEntry *entry;
  StepKind kind;
  PlanStage stage;
  gboolean is_loose; /* it may name something that was not chosen and is not there: then it is left out */
} RestoreStep;

typedef struct {
  gboolean skip_logs;        /* no rows of message_request */
  gboolean skip_bookkeeping; /* nothing of schema drizzle: the live database keeps its own migration records */
  int server_version;        /* of the target */
  /* NULL or none: all. Else these tables (backup_tables_find) with what belongs to them and what they need
   * (backup/plan/plan_tables.h). */
  const char *const *tables;
} RestorePlanOptions;

typedef struct {
  GArray *steps;               /* RestoreStep, in order */
  char **schemas;              /* that the archive restores, without cch_data */
  char **created_schemas;      /* those of them that it creates itself: all but public */
  guint n_tables;              /* with rows to import */
  guint64 rows, bytes;         /* of them, decompressed; large objects count in bytes. 0 after a scan */
  gboolean has_log_rows;       /* rows of public.message_request will be imported */
  gboolean leaves_own_schema;  /* something of cch_data was left out */
  gboolean leaves_bookkeeping; /* something of drizzle was left out */
} RestorePlan;

/* The archive must have been checked or scanned. ARCHIVE_UNSUPPORTED for what cannot be restored (rows as INSERT
 * statements). */
RestorePlan *restore_plan_new(const ArchiveReader *reader, const RestorePlanOptions *options, GError **error);
/* What the plan's statements need that a server of this version (150020) is too old for, table and column first:
 * "public.v.b: GENERATED … VIRTUAL (PostgreSQL 18); …". NULL for nothing; free with g_free. */
char *restore_plan_beyond_server(const RestorePlan *plan, int server_version);
void restore_plan_free(RestorePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestorePlan, restore_plan_free)

/* Names with a meaning of their own. */
#define OWN_SCHEMA         "cch_data"
#define BOOKKEEPING_SCHEMA "drizzle"
#define LOG_TABLE          "message_request"
#define HUB_RECORD_TABLE   "__drizzle_migrations" /* of BOOKKEEPING_SCHEMA: a row for each of the hub's migrations */

/* "v0.9.2": the hub's release whose last migration has this number; NULL where none is known. */
const char *plan_hub_version(gint64 n_migrations);
