/* rclone as a child process. Private to the room. */
#pragma once

#include "base/os/child.h"
#include "storage/rclone_config.h"

typedef struct {
  RcloneConfig *config;
  char **environment; /* with the obscured secrets; made by the first run */
  char **unset;
  guint64 bandwidth_bytes_s;
} Rclone;

Rclone *rclone_new(RcloneConfig *config, guint64 bandwidth_bytes_s); /* takes the configuration */
void rclone_free(Rclone *rclone);

/* Takes one line of standard output. */
typedef gboolean (*RcloneLine)(char *line, gpointer data, GError **error);

typedef struct {
  const char *const *args; /* after the common options; NULL-terminated, no secrets */
  int stdin_fd;            /* 0: none */
  guint limit_s;           /* the whole run; 0: no limit, but of its silence (RCLONE_SILENCE_S) */
  RcloneLine line;         /* NULL: standard output is thrown away */
  gpointer line_data;
  StorageProgress progress; /* NULL: none */
  gpointer progress_data;
  guint64 total_bytes;
} RcloneRun;

/* Without a byte carried for so long a transfer is given up. An upload may take the time of a checksum longer: to S3,
 * rclone reads a large file as a whole before its first byte is carried. */
#define RCLONE_SILENCE_S 300
/* Of a server that reads the whole file for its checksum, or of our own disk. */
#define RCLONE_SLOWEST_HASH_BYTES_S (5 * 1024 * 1024)

/* rclone's exit codes for a missing folder and file. */
#define RCLONE_EXIT_NO_FOLDER 3
#define RCLONE_EXIT_NO_FILE   4

/* Runs rclone to its end. FALSE with an error of storage.h; `ret_exit_code` (may be NULL) is 0 if it ended well, and -1
 * if it did not end by itself. */
gboolean rclone_run(Rclone *rclone, const RcloneRun *run, int *ret_exit_code, GCancellable *cancellable,
                    GError **error);

/* Starts it with its standard output as a pipe. */
ChildProcess *rclone_start(Rclone *rclone, const char *const *args, GCancellable *cancellable, GError **error);

/* The error of a run that has ended with this exit code, by what it wrote to standard error. */
void rclone_set_error(const Rclone *rclone, int exit_code, const char *complaint, GError **error);
