/* The steps of a new process between fork and exec. Private to base/os.
 *
 * Everything is prepared beforehand, because only async-signal-safe calls are allowed there: another thread may have
 * held malloc's lock at the fork. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  const char *path;
  char *const *argv;
  char *const *envp;
  const char *directory;
  int stdin_fd, stdout_fd, stderr_fd;
  int extra_fd;   /* becomes 3; 0: none. The others are above 3 */
  int failure_fd; /* O_CLOEXEC: closed by a successful exec */
  uid_t uid;
  gid_t gid;
  int parent_death_signal;
  guint64 memory_limit; /* 0: no limit of its own */
  pid_t parent;
} ExecPlan;

typedef enum { STEP_REDIRECT, STEP_USER, STEP_DIRECTORY, STEP_MEMORY, STEP_DEATH_SIGNAL, STEP_EXEC } ExecStep;

/* The report through `failure_fd` if the program could not be executed. */
typedef struct {
  ExecStep step;
  int saved_errno;
} ExecFailure;

/* Executes the program, or reports the failure and ends the process. */
G_NORETURN void child_exec(const ExecPlan *plan);

/* A step's action for error messages: "enter its directory". */
const char *child_exec_step_text(ExecStep step);
