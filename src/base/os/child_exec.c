#include "base/os/child_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXTRA_FD 3

static const char *const step_texts[] = {
    [STEP_REDIRECT] = "redirect its input and output",
    [STEP_USER] = "change to its user",
    [STEP_DIRECTORY] = "enter its directory",
    [STEP_MEMORY] = "limit its memory",
    [STEP_DEATH_SIGNAL] = "set its parent-death signal",
    [STEP_EXEC] = "execute it",
};

const char *
child_exec_step_text(ExecStep step)
{
  return step_texts[step];
}

static void
reset_signals(void)
{
  struct sigaction default_action = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++)
    sigaction(number, &default_action, NULL); /* expected to fail for SIGKILL, SIGSTOP and the C library's own */
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
close_all_on_exec(void)
{
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return;
  /* For a kernel before 5.11, or a container that forbids the call. */
  struct rlimit limit = {.rlim_cur = 1024};
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = 3; (rlim_t)fd < MIN(limit.rlim_cur, 65536); fd++)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Returns only on failure, with the failed step and errno set. */
static ExecStep
enter_program(const ExecPlan *plan)
{
  /* Its own session, and so its own process group. A group alone would keep the terminal: a program that asks for a
   * password on /dev/tty would be stopped by SIGTTOU. Cannot fail in a process just forked. */
  setsid();
  if (dup2(plan->stdin_fd, 0) < 0 || dup2(plan->stdout_fd, 1) < 0 || dup2(plan->stderr_fd, 2) < 0)
    return STEP_REDIRECT;
  close_all_on_exec();
  /* dup2 to the same number would leave it to be closed. */
  if (plan->extra_fd == EXTRA_FD && fcntl(EXTRA_FD, F_SETFD, 0) != 0)
    return STEP_REDIRECT;
  if (plan->extra_fd > EXTRA_FD && dup2(plan->extra_fd, EXTRA_FD) < 0)
    return STEP_REDIRECT;
  if (plan->uid != 0 && (setgroups(1, &plan->gid) != 0 || setresgid(plan->gid, plan->gid, plan->gid) != 0 ||
                         setresuid(plan->uid, plan->uid, plan->uid) != 0))
    return STEP_USER;
  if (plan->directory != NULL && chdir(plan->directory) != 0)
    return STEP_DIRECTORY;
  if (plan->memory_limit != 0 && setrlimit(RLIMIT_AS, &(struct rlimit){plan->memory_limit, plan->memory_limit}) != 0)
    return STEP_MEMORY;
  /* After the change of user, which resets it. */
  if (prctl(PR_SET_PDEATHSIG, plan->parent_death_signal) != 0)
    return STEP_DEATH_SIGNAL;
  /* The parent may have died before: then no signal will come. */
  if (getppid() != plan->parent)
    _exit(127);
  reset_signals();
  execve(plan->path, plan->argv, plan->envp);
  return STEP_EXEC;
}

void
child_exec(const ExecPlan *plan)
{
  ExecFailure failure = {.step = enter_program(plan)};
  failure.saved_errno = errno;
  /* SIGPIPE may have its default action by now; a dead parent does not read this anyway. */
  ssize_t written = write(plan->failure_fd, &failure, sizeof failure);
  _exit(written == (ssize_t)sizeof failure ? 127 : 126);
}
