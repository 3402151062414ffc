/* The restore plan: which entries of an archive are applied, as which kind of step, and in which order. Depends on
 * the archive alone. How a step is applied is up to the way (backup/restore/way.h). */
#pragma once

#include "archive/read/reader.h"

typedef enum {
  STEP_SQL,           /* run the entry's defn */
  STEP_ACCESS,        /* like STEP_SQL, one statement at a time: grants */
  STEP_ROWS,          /* a table's rows */
  STEP_SEQUENCE,      /* a sequence's value */
  STEP_LARGE_OBJECTS, /* create large objects */
  STEP_LARGE_OBJECT_DATA
} StepKind;

/* In the order of execution. These are pg_restore's passes (RestorePass in pg_backup_archiver.h), with the main pass
 * split by section. */
typedef enum {
  STAGE_PRE_DATA,
  STAGE_DATA,
  STAGE_POST_DATA,
  STAGE_ACCESS, /* ACLs come late, so that no REVOKE stops us */
  STAGE_LAST,   /* event triggers, contents of materialized views */
  STAGE_COUNT
} PlanStage;

typedef struct {
  const TocEntry *entry;
  StepKind kind;
  PlanStage stage;
  gboolean is_loose; /* may refer to an object that was not chosen; left out if that object does not exist */
} RestoreStep;

typedef struct {
  gboolean skip_logs;        /* leave out the rows of message_request */
  gboolean skip_bookkeeping; /* leave out schema drizzle: the live database keeps its own migration records */
  int server_version;        /* the target server's */
  /* NULL or empty: all tables. Otherwise only these (backup_tables_find), with what belongs to them and what they
   * need (backup/plan/plan_tables.h). */
  const char *const *tables;
  const char *const *without_extensions; /* NULL or empty: none (backup/plan/plan_without.h) */
  gboolean is_strict;                    /* see RestorePlan */
} RestorePlanOptions;

typedef struct {
  GArray *steps;               /* RestoreStep, in order */
  char **schemas;              /* schemas that the archive restores, without cch_data */
  char **created_schemas;      /* schemas among them that the archive creates itself: all but public */
  guint n_tables;              /* with rows to import */
  guint64 rows, bytes;         /* totals to import, decompressed; large objects count in bytes only. 0 after a scan */
  gboolean has_log_rows;       /* rows of public.message_request will be imported */
  gboolean leaves_own_schema;  /* an entry of cch_data was left out */
  gboolean leaves_bookkeeping; /* an entry of drizzle was left out */
  GPtrArray *left_out;         /* TocEntry: left out with an extension */
  gboolean is_strict;          /* what this role may not make, or gives to a role that is not here, fails the import */
} RestorePlan;

/* The archive must have been checked or scanned. ARCHIVE_UNSUPPORTED if an entry cannot be restored (rows as INSERT
 * statements). */
RestorePlan *restore_plan_new(const ArchiveReader *reader, const RestorePlanOptions *options, GError **error);
/* The features in the plan's statements that a server of this version (150020) lacks, each after its table and
 * column: "public.v.b: GENERATED … VIRTUAL (PostgreSQL 18); …". NULL if there are none; free with g_free. */
char *restore_plan_beyond_server(const RestorePlan *plan, int server_version);
void restore_plan_free(RestorePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestorePlan, restore_plan_free)

/* Names with a special meaning. */
#define OWN_SCHEMA         "cch_data"
#define BOOKKEEPING_SCHEMA "drizzle"
#define LOG_TABLE          "message_request"
#define HUB_RECORD_TABLE   "__drizzle_migrations" /* in BOOKKEEPING_SCHEMA: one row for each of the hub's migrations */

typedef struct {
  gint64 n_migrations;
  const char *version;        /* "v0.9.0–v0.9.2", all with these migrations */
  const char *last_migration; /* "0118_bright_sunspot" */
} HubRelease;

/* The hub's releases with this number of migrations; NULL if unknown. */
const HubRelease *plan_hub_release(gint64 n_migrations);
