/* Child processes: the only place that forks.
 *
 * Arguments and environment are vectors, never a shell. Secrets go into the environment, a descriptor or a file, never
 * into arguments. A child gets stdin from /dev/null and no descriptors but 0, 1 and 2, unless others are given, default
 * signal handling, and its own session without a terminal: Ctrl-C reaches only us, and the child cannot ask for a
 * password. It dies with us: when the thread that spawned it ends, the kernel sends `parent_death_signal`
 * (PR_SET_PDEATHSIG), so spawn it from a thread that outlives it. Signalling is safe from any thread; everything else
 * is for one thread at a time. */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

typedef struct ChildProcess ChildProcess;

typedef struct {
  const char *const *argv;        /* NULL-terminated; argv[0] is looked up in PATH unless it has a slash */
  const char *const *environment; /* "NAME=value", added to or replacing ours; may be NULL */
  const char *const *unset;       /* names removed from the environment first; may be NULL */
  const char *directory;          /* working directory; NULL: ours */
  gboolean capture_stdout;        /* through a pipe, see child_process_stdout; otherwise stdout_fd or /dev/null */
  gboolean pipe_stdin;            /* through a pipe, see child_process_take_stdin; otherwise stdin_fd or /dev/null */
  int stdin_fd, stdout_fd;        /* the caller's, above 2, which stay the caller's; 0: none */
  int extra_fd;                   /* becomes the child's descriptor 3; 0: none */
  uid_t uid;                      /* runs as this user (with gid, and no other groups) unless uid is 0 */
  gid_t gid;
  int parent_death_signal; /* 0: SIGTERM */
  guint64 memory_limit;    /* bytes of its address space (RLIMIT_AS); 0: as ours */
  int run_timeout_ms;      /* child_process_run gives up after this time; 0: no limit */
} ChildOptions;

/* Starts the program. Errors include every step up to a successful exec. */
ChildProcess *child_process_spawn(const ChildOptions *options, GError **error);

/* The read end of its standard output; owned by the child process. -1 if not captured. */
int child_process_stdout(ChildProcess *child);

/* The write end of its standard input, which is the caller's to close from now on. -1 if not piped, or taken before.
 * Writing to a program that has ended raises SIGPIPE, which the service and the commands ignore. */
int child_process_take_stdin(ChildProcess *child);

pid_t child_process_pid(ChildProcess *child);

/* Sends a signal, unless the process has been waited for. */
void child_process_signal(ChildProcess *child, int signal_number);

/* Waits until it ends, at most `timeout_ms` (-1: no limit). TRUE if it has ended; `ret_exit_code` (may be NULL) is
 * its exit code, or 128 + the signal's number. */
gboolean child_process_wait(ChildProcess *child, int timeout_ms, int *ret_exit_code);

/* Its standard error so far: at most the last 16 KiB, without trailing white space; free with g_free. Complete after
 * a successful wait. */
char *child_process_stderr(ChildProcess *child);

/* Ends it if it still runs: SIGTERM, after `grace_ms` SIGKILL to it and its process group. Waits for it, then frees. */
void child_process_end(ChildProcess *child, int grace_ms);
void child_process_free(ChildProcess *child); /* child_process_end with 5000 ms; NULL is ignored */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChildProcess, child_process_free)

/* Runs a program to its end and returns its standard output (at most 1 MiB). A non-zero exit code is CHILD_FAILED,
 * with its standard error as the message. */
char *child_process_run(const ChildOptions *options, GCancellable *cancellable, GError **error);
