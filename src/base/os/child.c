#include "base/os/child.h"

#include "base/error.h"
#include "base/os/child_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_KEPT_BYTES    (16 * 1024)
#define RUN_MAX_STDOUT_BYTES (1024 * 1024)
#define DEFAULT_GRACE_MS     5000

struct ChildProcess {
  char *program; /* as requested, for error messages */
  pid_t pid;
  int pid_fd;    /* readable when the process has ended */
  int stdin_fd;  /* -1: not piped, or taken */
  int stdout_fd; /* -1: not captured */
  int stderr_fd;
  int reaped_fd;  /* an eventfd that tells the drain thread that the process has been reaped */
  GThread *drain; /* empties the stderr pipe, so that the child never blocks on it */
  GMutex mutex;   /* guards the members below */
  gboolean is_reaped;
  int exit_code;
  GString *stderr_tail;
};

static void
close_fd(int *fd)
{
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* Keeps descriptors 0 to 3 free for dup2: one of 0, 1 and 2 may be closed in this process, and 3 is the extra one. */
static int
above_given(int fd)
{
  if (fd < 0 || fd > 3)
    return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 4);
  int saved_errno = errno;
  close(fd);
  errno = saved_errno;
  return moved;
}

static gboolean
open_pipe(int fds[2])
{
  if (pipe2(fds, O_CLOEXEC) != 0)
    return FALSE;
  fds[0] = above_given(fds[0]);
  fds[1] = above_given(fds[1]);
  return fds[0] >= 0 && fds[1] >= 0;
}

static void
keep_stderr(ChildProcess *child, const char *bytes, gsize n_bytes)
{
  g_mutex_lock(&child->mutex);
  g_string_append_len(child->stderr_tail, bytes, (gssize)n_bytes);
  if (child->stderr_tail->len > STDERR_KEPT_BYTES)
    g_string_erase(child->stderr_tail, 0, (gssize)(child->stderr_tail->len - STDERR_KEPT_BYTES));
  g_mutex_unlock(&child->mutex);
}

/* Reads the available bytes. FALSE at the end of the pipe. */
static gboolean
drain_once(ChildProcess *child)
{
  char buffer[4096];
  for (;;) {
    ssize_t n = read(child->stderr_fd, buffer, sizeof buffer);
    if (n > 0)
      keep_stderr(child, buffer, (gsize)n);
    else if (n == 0)
      return FALSE;
    else if (errno != EINTR)
      return errno == EAGAIN;
  }
}

/* Does not wait for the end of the pipe, because a grandchild may keep it open after the child's end. */
static gpointer
drain_thread(gpointer data)
{
  ChildProcess *child = data;
  for (;;) {
    struct pollfd fds[] = {{.fd = child->stderr_fd, .events = POLLIN}, {.fd = child->reaped_fd, .events = POLLIN}};
    if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
      return NULL;
    if (!drain_once(child) || fds[1].revents != 0)
      return NULL;
  }
}

static char **
make_environment(const ChildOptions *options)
{
  char **environment = g_get_environ();
  for (const char *const *name = options->unset; name != NULL && *name != NULL; name++)
    environment = g_environ_unsetenv(environment, *name);
  for (const char *const *entry = options->environment; entry != NULL && *entry != NULL; entry++) {
    const char *equals = strchr(*entry, '=');
    g_return_val_if_fail(equals != NULL, environment);
    g_autofree char *name = g_strndup(*entry, (gsize)(equals - *entry));
    environment = g_environ_setenv(environment, name, equals + 1, TRUE);
  }
  return environment;
}

/* Forks with all signals blocked: no handler of ours runs in the new process, and the drain thread, which inherits
 * the mask, never takes a signal meant for the program. */
static gboolean
fork_and_drain(ChildProcess *child, const ExecPlan *plan, GError **error)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  child->pid = fork();
  if (child->pid == 0)
    child_exec(plan);
  int saved_errno = errno;
  if (child->pid > 0)
    child->drain = g_thread_try_new("stderr", drain_thread, child, error);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (child->pid < 0) {
    error_set(error, CCH_ERROR_CHILD_FAILED, "fork: %s", g_strerror(saved_errno));
    return FALSE;
  }
  if (child->drain == NULL)
    return FALSE;
  child->pid_fd = pidfd_open(child->pid, 0);
  if (child->pid_fd < 0) {
    error_set(error, CCH_ERROR_CHILD_FAILED, "pidfd_open: %s", g_strerror(errno));
    return FALSE;
  }
  return TRUE;
}

/* Waits for the exec. */
static gboolean
await_exec(ChildProcess *child, int failure_fd, GError **error)
{
  ExecFailure failure;
  ssize_t n;
  do
    n = read(failure_fd, &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == 0)
    return TRUE;
  if (n == (ssize_t)sizeof failure)
    error_set(error, CCH_ERROR_CHILD_FAILED, "start %s: cannot %s: %s", child->program,
              child_exec_step_text(failure.step), g_strerror(failure.saved_errno));
  else
    error_set(error, CCH_ERROR_CHILD_FAILED, "start %s: it ended before it began", child->program);
  return FALSE;
}

/* Descriptors used only during a spawn. */
typedef struct {
  int null_fd;
  int stdin_pipe[2], stdout_pipe[2], stderr_pipe[2], failure_pipe[2];
} SpawnFds;

static void
spawn_fds_clear(SpawnFds *fds)
{
  close_fd(&fds->null_fd);
  for (int end = 0; end < 2; end++) {
    close_fd(&fds->stdin_pipe[end]);
    close_fd(&fds->stdout_pipe[end]);
    close_fd(&fds->stderr_pipe[end]);
    close_fd(&fds->failure_pipe[end]);
  }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SpawnFds, spawn_fds_clear)

static gboolean
spawn_fds_open(SpawnFds *fds, const ChildOptions *options, GError **error)
{
  fds->null_fd = above_given(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (fds->null_fd >= 0 && (!options->pipe_stdin || open_pipe(fds->stdin_pipe)) &&
      (!options->capture_stdout || open_pipe(fds->stdout_pipe)) && open_pipe(fds->stderr_pipe) &&
      open_pipe(fds->failure_pipe))
    return TRUE;
  error_set(error, CCH_ERROR_CHILD_FAILED, "open pipes to a program: %s", g_strerror(errno));
  return FALSE;
}

/* A descriptor of the child: our end of a pipe, one that the caller gave, or /dev/null. */
static int
choose_fd(int pipe_fd, int given_fd, int null_fd)
{
  if (pipe_fd >= 0)
    return pipe_fd;
  return given_fd > 0 ? given_fd : null_fd;
}

/* Forks, and waits until the program runs. On failure the caller frees the child, which ends it. */
static gboolean
start_program(ChildProcess *child, const ChildOptions *options, const char *path, SpawnFds *fds, GError **error)
{
  g_auto(GStrv) environment = make_environment(options);
  ExecPlan plan = {
      .path = path,
      .argv = (char *const *)options->argv,
      .envp = environment,
      .directory = options->directory,
      .stdin_fd = choose_fd(fds->stdin_pipe[0], options->stdin_fd, fds->null_fd),
      .stdout_fd = choose_fd(fds->stdout_pipe[1], options->stdout_fd, fds->null_fd),
      .extra_fd = options->extra_fd,
      .stderr_fd = fds->stderr_pipe[1],
      .failure_fd = fds->failure_pipe[1],
      .uid = options->uid,
      .gid = options->gid,
      .memory_limit = options->memory_limit,
      .parent_death_signal = options->parent_death_signal != 0 ? options->parent_death_signal : SIGTERM,
      .parent = getpid(),
  };
  if (!fork_and_drain(child, &plan, error))
    return FALSE;
  /* Only the child may hold its ends now; otherwise the pipes never end. */
  close_fd(&fds->stdin_pipe[0]);
  close_fd(&fds->failure_pipe[1]);
  close_fd(&fds->stderr_pipe[1]);
  close_fd(&fds->stdout_pipe[1]);
  return await_exec(child, fds->failure_pipe[0], error);
}

ChildProcess *
child_process_spawn(const ChildOptions *options, GError **error)
{
  g_autofree char *path = g_find_program_in_path(options->argv[0]);
  if (path == NULL) {
    error_set(error, CCH_ERROR_CHILD_FAILED, "start %s: no such program", options->argv[0]);
    return NULL;
  }
  g_auto(SpawnFds) fds = {-1, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
  if (!spawn_fds_open(&fds, options, error))
    return NULL;

  g_autoptr(ChildProcess) child = g_new0(ChildProcess, 1);
  child->program = g_strdup(options->argv[0]);
  child->pid_fd = -1;
  child->stderr_tail = g_string_new(NULL);
  g_mutex_init(&child->mutex);
  child->stdin_fd = g_steal_fd(&fds.stdin_pipe[1]);
  child->stdout_fd = g_steal_fd(&fds.stdout_pipe[0]);
  child->stderr_fd = g_steal_fd(&fds.stderr_pipe[0]);
  fcntl(child->stderr_fd, F_SETFL, O_NONBLOCK);
  child->reaped_fd = eventfd(0, EFD_CLOEXEC);
  if (child->reaped_fd < 0) {
    error_set(error, CCH_ERROR_CHILD_FAILED, "eventfd: %s", g_strerror(errno));
    return NULL;
  }
  return start_program(child, options, path, &fds, error) ? g_steal_pointer(&child) : NULL;
}

int
child_process_take_stdin(ChildProcess *child)
{
  return g_steal_fd(&child->stdin_fd);
}

int
child_process_stdout(ChildProcess *child)
{
  return child->stdout_fd;
}

pid_t
child_process_pid(ChildProcess *child)
{
  return child->pid;
}

/* Until the process is reaped, its PID and its process group's belong to no other process. */
static void
signal_unless_reaped(ChildProcess *child, pid_t target, int signal_number)
{
  g_mutex_lock(&child->mutex);
  if (!child->is_reaped)
    kill(target, signal_number);
  g_mutex_unlock(&child->mutex);
}

void
child_process_signal(ChildProcess *child, int signal_number)
{
  signal_unless_reaped(child, child->pid, signal_number);
}

/* Takes the exit status of an ended process. */
static void
reap_child(ChildProcess *child)
{
  g_mutex_lock(&child->mutex);
  if (!child->is_reaped) {
    int status = 0;
    pid_t pid;
    do
      pid = waitpid(child->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    child->is_reaped = TRUE;
    child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  GThread *drain = g_steal_pointer(&child->drain);
  g_mutex_unlock(&child->mutex);
  if (drain == NULL)
    return;
  eventfd_write(child->reaped_fd, 1);
  g_thread_join(drain);
}

/* Waits for one of the descriptors, or until the monotonic time `deadline_us` (-1: no limit). FALSE on timeout. */
static gboolean
poll_until(struct pollfd *fds, nfds_t n_fds, gint64 deadline_us)
{
  for (;;) {
    int timeout_ms = -1;
    if (deadline_us >= 0)
      timeout_ms = (int)CLAMP((deadline_us - g_get_monotonic_time() + 999) / 1000, 0, G_MAXINT);
    int n = poll(fds, n_fds, timeout_ms);
    if (n > 0)
      return TRUE;
    if (n == 0)
      return FALSE;
    g_return_val_if_fail(errno == EINTR, TRUE);
  }
}

gboolean
child_process_wait(ChildProcess *child, int timeout_ms, int *ret_exit_code)
{
  gint64 deadline_us = timeout_ms < 0 ? -1 : g_get_monotonic_time() + (gint64)timeout_ms * 1000;
  struct pollfd ended = {.fd = child->pid_fd, .events = POLLIN};
  if (!poll_until(&ended, 1, deadline_us))
    return FALSE;
  reap_child(child);
  if (ret_exit_code != NULL)
    *ret_exit_code = child->exit_code;
  return TRUE;
}

char *
child_process_stderr(ChildProcess *child)
{
  g_mutex_lock(&child->mutex);
  char *text = g_strndup(child->stderr_tail->str, child->stderr_tail->len);
  g_mutex_unlock(&child->mutex);
  return g_strchomp(text);
}

static void
kill_and_reap(ChildProcess *child)
{
  signal_unless_reaped(child, -child->pid, SIGKILL);
  /* A process that failed before it created its group is killed by its PID. */
  signal_unless_reaped(child, child->pid, SIGKILL);
  reap_child(child);
}

void
child_process_end(ChildProcess *child, int grace_ms)
{
  if (child->pid > 0) {
    if (child->pid_fd >= 0 && !child_process_wait(child, 0, NULL)) {
      child_process_signal(child, SIGTERM);
      child_process_wait(child, grace_ms, NULL);
    }
    kill_and_reap(child);
  }
  close_fd(&child->pid_fd);
  close_fd(&child->stdin_fd);
  close_fd(&child->stdout_fd);
  close_fd(&child->stderr_fd);
  close_fd(&child->reaped_fd);
  g_mutex_clear(&child->mutex);
  g_string_free(child->stderr_tail, TRUE);
  g_free(child->program);
  g_free(child);
}

void
child_process_free(ChildProcess *child)
{
  if (child != NULL)
    child_process_end(child, DEFAULT_GRACE_MS);
}

/* Appends the available bytes. FALSE at the end of the pipe. */
static gboolean
read_available(int fd, GString *text)
{
  char buffer[4096];
  for (;;) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n > 0 && text->len <= RUN_MAX_STDOUT_BYTES)
      g_string_append_len(text, buffer, n);
    else if (n >= 0)
      return FALSE;
    else if (errno != EINTR)
      return errno == EAGAIN;
  }
}

/* Reads standard output until its end or the program's. */
static gboolean
read_output(ChildProcess *child, gint64 deadline_us, GCancellable *cancellable, GString *text, GError **error)
{
  fcntl(child->stdout_fd, F_SETFL, O_NONBLOCK);
  GPollFD cancel = {.fd = -1};
  gboolean has_cancel_fd = g_cancellable_make_pollfd(cancellable, &cancel);
  gboolean is_in_time = TRUE;
  for (gboolean is_open = TRUE; is_open && !g_cancellable_is_cancelled(cancellable);) {
    struct pollfd fds[] = {
        {.fd = child->stdout_fd, .events = POLLIN},
        {.fd = child->pid_fd, .events = POLLIN},
        {.fd = cancel.fd, .events = POLLIN},
    };
    is_in_time = poll_until(fds, G_N_ELEMENTS(fds), deadline_us);
    is_open = is_in_time && read_available(child->stdout_fd, text) && fds[1].revents == 0;
  }
  if (has_cancel_fd)
    g_cancellable_release_fd(cancellable);
  if (!is_in_time) {
    error_set(error, CCH_ERROR_CHILD_FAILED, "%s: no answer in time", child->program);
    return FALSE;
  }
  if (text->len > RUN_MAX_STDOUT_BYTES) {
    error_set(error, CCH_ERROR_CHILD_FAILED, "%s: its output exceeds %d bytes", child->program, RUN_MAX_STDOUT_BYTES);
    return FALSE;
  }
  return !g_cancellable_set_error_if_cancelled(cancellable, error);
}

/* child_process_wait with a cancellable, because output can end before the program does. */
static gboolean
wait_cancellable(ChildProcess *child, gint64 deadline_us, GCancellable *cancellable, int *ret_exit_code, GError **error)
{
  GPollFD cancel = {.fd = -1};
  gboolean has_cancel_fd = g_cancellable_make_pollfd(cancellable, &cancel);
  struct pollfd fds[] = {{.fd = child->pid_fd, .events = POLLIN}, {.fd = cancel.fd, .events = POLLIN}};
  gboolean is_in_time = poll_until(fds, G_N_ELEMENTS(fds), deadline_us);
  if (has_cancel_fd)
    g_cancellable_release_fd(cancellable);
  if (fds[0].revents == 0) {
    if (!is_in_time)
      error_set(error, CCH_ERROR_CHILD_FAILED, "%s: no end in time", child->program);
    else
      g_cancellable_set_error_if_cancelled(cancellable, error);
    return FALSE;
  }
  return child_process_wait(child, -1, ret_exit_code);
}

char *
child_process_run(const ChildOptions *options, GCancellable *cancellable, GError **error)
{
  ChildOptions capturing = *options;
  capturing.capture_stdout = TRUE;
  if (g_cancellable_set_error_if_cancelled(cancellable, error))
    return NULL;
  g_autoptr(ChildProcess) child = child_process_spawn(&capturing, error);
  if (child == NULL)
    return NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  int exit_code = 0;
  gint64 deadline_us =
      options->run_timeout_ms > 0 ? g_get_monotonic_time() + (gint64)options->run_timeout_ms * 1000 : -1;
  if (!read_output(child, deadline_us, cancellable, text, error) ||
      !wait_cancellable(child, deadline_us, cancellable, &exit_code, error))
    return NULL;
  if (exit_code == 0)
    return g_string_free(g_steal_pointer(&text), FALSE);
  g_autofree char *complaint = child_process_stderr(child);
  error_set(error, CCH_ERROR_CHILD_FAILED, "%s: exit code %d: %s", child->program, exit_code, complaint);
  return NULL;
}
