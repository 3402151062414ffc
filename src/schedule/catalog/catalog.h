/* The records of jobs, destinations and stored backups in cch_data. Strings belong to their structs. DATABASE_* errors
 * are not listed. Every change is one statement, so it is in the caller's transaction or in its own. */
#pragma once

#include "base/os/seal.h"
#include "pg/connection/connection.h"
#include "schedule/catalog/job.h"
#include "storage/storage.h"

/* ---- Jobs ---- */

typedef struct {
  gint64 id;
  char *name;
  gboolean is_enabled;
  gboolean is_offered; /* nobody has decided about it yet */
  JobSettings *settings;
  gint64 handled_s;  /* what was due until then has been run or missed */
  gint64 next_s;     /* as it is shown; 0: not known */
  gint64 owes_s;     /* since when it owes backups: when it was switched on, or made */
  gint64 good_s;     /* when the newest good backup was made; 0: none */
  gboolean has_died; /* its last backup run failed, because every process that ran it ended */
} CatalogJob;

void catalog_job_free(CatalogJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogJob, catalog_job_free)

/* By name. A job whose settings cannot be read here, such as a zone that this machine does not know, is left out;
 * `ret_unreadable` (may be NULL) is the first such problem, for the log. */
GPtrArray *catalog_jobs(PgConnection *connection, GError **ret_unreadable, GError **error);
/* NOT_FOUND. */
CatalogJob *catalog_find_job(PgConnection *connection, gint64 id, GError **error);
CatalogJob *catalog_find_job_named(PgConnection *connection, const char *name, GError **error);
/* BACKUP_NAME_TAKEN; REQUEST_PARAMETER for a destination that does not exist. */
gboolean catalog_add_job(PgConnection *connection, const char *name, gboolean is_enabled, const JobSettings *settings,
                         gint64 *ret_id, GError **error);
gboolean catalog_change_job(PgConnection *connection, gint64 id, gboolean is_enabled, const JobSettings *settings,
                            GError **error);
/* Also if its settings cannot be read. Its backups stay. `ret_name` is its name; free with g_free. */
gboolean catalog_delete_job(PgConnection *connection, gint64 id, char **ret_name, GError **error);
/* Switches on the jobs that are only offered. */
gboolean catalog_accept_offers(PgConnection *connection, GError **error);
/* What was due until `until_s` needs no run any more; `next_s` is shown as the next time. `ret_is_first` is FALSE if
 * another instance has noted something since the job was read. */
gboolean catalog_note_due(PgConnection *connection, const CatalogJob *job, gint64 until_s, gint64 next_s,
                          gboolean *ret_is_first, GError **error);

/* ---- Destinations ---- */

typedef struct {
  gint64 id;
  char *name, *kind;
  json_t *settings;
  GBytes *secrets; /* sealed JSON; NULL: none */
  guint64 bandwidth_bytes_s;
  char *last_ok_at, *last_error_at, *last_error; /* NULL: none */
} CatalogDestination;

void catalog_destination_free(CatalogDestination *destination);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogDestination, catalog_destination_free)

GPtrArray *catalog_destinations(PgConnection *connection, GError **error);
CatalogDestination *catalog_find_destination(PgConnection *connection, gint64 id, GError **error);
CatalogDestination *catalog_find_destination_named(PgConnection *connection, const char *name, GError **error);
/* Adds it, or changes it if `destination->id` is set. BACKUP_NAME_TAKEN. */
gboolean catalog_keep_destination(PgConnection *connection, CatalogDestination *destination, GError **error);
/* Only if no job uses it (BACKUP_DESTINATION_USED). What lies there stays; its records go. */
gboolean catalog_delete_destination(PgConnection *connection, gint64 id, GError **error);
/* Opens it. `data_dir` has the seal key and is where "directory" without a path lies. STORAGE_SETTINGS,
 * SECRET_KEY_LOST. */
Storage *catalog_open_destination(const CatalogDestination *destination, const char *data_dir, GError **error);
/* How the last access went. */
void catalog_note_access(PgConnection *connection, gint64 id, const GError *problem);

/* ---- Stored backups ---- */

typedef struct {
  gint64 id, destination_id;
  char *destination_name, *job_name, *name;
  gint64 made_s;
  guint64 bytes;
  char *sha256;     /* of the file; NULL: unknown */
  gint64 row_count; /* -1: unknown */
  gboolean has_manifest, is_encrypted, is_pinned;
  gboolean is_found; /* found at its destination, and not made from these records: retention leaves it alone */
  char *state;       /* "made", "stored", "proven", "damaged", "missing" */
  char *proof;       /* "checksum", "read", "drill"; NULL: none */
  char *made_at, *stored_at, *verified_at, *proven_at;
  gint64 recovery_ms; /* -1: not measured */
  char *problem;
} CatalogBackup;

void catalog_backup_free(CatalogBackup *backup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogBackup, catalog_backup_free)

/* Whether it is there as it should be: stored or proven. */
gboolean catalog_backup_is_good(const CatalogBackup *backup);

/* Newest first; `job_name` NULL: of all jobs, `destination_id` 0: at all destinations. */
GPtrArray *catalog_backups(PgConnection *connection, const char *job_name, gint64 destination_id, GError **error);
CatalogBackup *catalog_find_backup(PgConnection *connection, gint64 id, GError **error);
/* Its manifest as JSON; NULL: none. Free with g_free. */
gboolean catalog_read_manifest(PgConnection *connection, gint64 id, char **ret_json, GError **error);
typedef enum { NOTE_MADE, NOTE_STORED, NOTE_FOUND } CatalogNote;

/* Records a backup at a destination: as "made", or as "stored", which a found one is, too. What is known of it stays.
 * `manifest_json` may be NULL. */
gboolean catalog_note_backup(PgConnection *connection, gint64 destination_id, const char *job_name, const char *name,
                             guint64 bytes, const char *sha256, const char *manifest_json, const char *made_at,
                             CatalogNote note, GError **error);
/* Whether a name of one of the job's backups, at any destination, begins so. */
gboolean catalog_has_backup_named(PgConnection *connection, const char *job_name, const char *beginning,
                                  gboolean *ret_has, GError **error);
/* A proof succeeded; `recovery_ms` -1: not measured. */
gboolean catalog_note_proof(PgConnection *connection, gint64 id, const char *proof, gint64 recovery_ms, GError **error);
/* `state` "damaged" or "missing", with the reason. */
gboolean catalog_note_problem(PgConnection *connection, gint64 id, const char *state, const char *problem,
                              GError **error);
/* The newest good backup that was made from these records; 0: none. `destination_id` 0: at any destination. */
gboolean catalog_newest_good(PgConnection *connection, const char *job_name, gint64 destination_id, gint64 *ret_id,
                             GError **error);
/* Whether no backup at the destination was read back (`destination_id` not 0), or none of the job restored for a trial,
 * for so many days. FALSE for 0 days. */
gboolean catalog_is_proof_due(PgConnection *connection, const char *job_name, gint64 destination_id, guint days,
                              gboolean *ret_is_due, GError **error);
gboolean catalog_pin(PgConnection *connection, gint64 id, gboolean is_pinned, GError **error);
gboolean catalog_forget_backup(PgConnection *connection, gint64 id, GError **error);

/* Judges backups of one job at one destination (retention.h): a verdict for each, in the order of `backups`. Only good
 * ones that were made from these records count and can go. Free with g_free. */
RetentionVerdict *catalog_judge(const GPtrArray *backups, const JobSettings *settings, gint64 now_s);
