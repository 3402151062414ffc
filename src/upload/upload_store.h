/* The table of kept uploads, used by uploads.c and upload_hold.c. Every function is called with the table's mutex
 * held, unless stated otherwise. */
#pragma once

#include "base/wait.h"
#include "upload/uploads.h"

typedef struct {
  gatomicrefcount references;
  GMutex mutex; /* guards the members below, and writing; taken inside the store's */
  UploadFile *file;
  const UploadHold *holder; /* NULL: nobody */
  gint64 holder_active_us;
  const UploadHold *follower; /* reads it while it arrives; NULL: nobody */
  GCond changed;              /* more has arrived, or it was removed */
  guint64 reached;            /* the most bytes that it has ever had, with unverified ones */
  gint64 reached_us;          /* when that was */
  GError *end;                /* why nothing more will arrive: UPLOAD_DELETED, or what its bytes are; NULL otherwise */
} Upload;

struct Uploads {
  UploadsOptions options;
  char *directory;
  GMutex mutex; /* guards the table */
  GHashTable *table;
  PeriodicThread *thread;
};

/* The table owns the upload, and the upload its file. */
Upload *upload_store_add(Uploads *uploads, UploadFile *file);
void upload_store_unref(gpointer upload);

/* May be called without the table's mutex. */
UploadInfo *upload_store_describe(const Uploads *uploads, Upload *upload);

/* UPLOAD_NOT_FOUND, also for an expired one. */
Upload *upload_store_find(Uploads *uploads, const char *id, GError **error);
void upload_store_remove_expired(Uploads *uploads);
/* Removes the upload from the disk and the table, if this one holds or follows it. NULL: if nobody holds it, and nobody
 * follows it either when it is complete. A follower then learns the reason; takes ownership of it (NULL: it was
 * deleted). */
gboolean upload_store_remove(Uploads *uploads, Upload *upload, const UploadHold *holder, GError *reason);

/* Whether there is room for an upload of this length (-1: unknown) beside all others but `except`; `have_bytes` of
 * it have arrived. IMPORT_FILE_TOO_LARGE, UPLOAD_NO_ROOM, DISK_FULL. */
gboolean upload_store_check_room(Uploads *uploads, const Upload *except, gint64 length, guint64 have_bytes,
                                 GError **error);

/* Sets UPLOAD_BUSY. */
void upload_store_refuse_busy(GError **error);
