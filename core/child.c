/* See child.h. */
#include "core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* How often it is asked where the system has no pidfd (before Linux 5.3, under valgrind). */
static const int64_t look_interval = 5 * JIG_MS;

struct jig_child {
    struct jig_loop *loop;
    struct jig_watch *watch; /* of pidfd; NULL where there is none, and `look` asks instead */
    struct jig_timer look;
    struct jig_timer kill_timer;
    jig_child_fn *fn; /* NULL = abandoned */
    void *data;
    pid_t pid;
    int pidfd;
    bool stopping;
};

static const char count_key; /* its address is the key of the loop's child count */

static size_t *count_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &count_key, sizeof(size_t));
}

size_t jig_child_count(struct jig_loop *loop)
{
    const size_t *count = count_of(loop);
    return count ? *count : 0;
}

/* ---- start ---- */

static int add_stdio(posix_spawn_file_actions_t *actions, const int *stdio)
{
    int rc = 0;
    for (int fd = 0; fd < 3 && !rc; fd++) {
        if (stdio[fd] >= 0)
            rc = posix_spawn_file_actions_adddup2(actions, stdio[fd], fd);
        else
            rc = posix_spawn_file_actions_addopen(actions, fd, "/dev/null",
                                                  fd ? O_WRONLY : O_RDONLY, 0);
    }
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, 3);
}

static int add_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigfillset(&defaults); /* what jig, or who started it, ignores is not ignored in the child */
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
}

static int spawn(pid_t *pid, const struct jig_child_options *o)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int rc = add_attributes(&attributes);
    if (!rc && o->cwd)
        rc = posix_spawn_file_actions_addchdir_np(&actions, o->cwd);
    if (!rc)
        rc = add_stdio(&actions, o->stdio);
    if (!rc) {
        char *const *argv = (char *const *)o->argv;
        char *const *env = o->env ? (char *const *)o->env : environ;
        rc = strchr(argv[0], '/') ? posix_spawn(pid, argv[0], &actions, &attributes, argv, env)
                                  : posix_spawnp(pid, argv[0], &actions, &attributes, argv, env);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* ENOENT has three causes; tell them apart for the reader. */
static int fail_spawn(struct jig_error *err, int rc, const struct jig_child_options *o)
{
    const char *program = o->argv[0];
    if (o->cwd && access(o->cwd, X_OK) < 0)
        return jig_fail_sys(err, errno, "cannot enter the working directory '%s'", o->cwd);
    if (rc == ENOENT && strchr(program, '/') && access(program, F_OK) == 0)
        return jig_fail(err, JIG_ENOTFOUND,
                        "cannot start '%s': the interpreter in its first line does not exist",
                        program);
    if (rc == E2BIG)
        return jig_fail(err, JIG_ELIMIT,
                        "cannot start '%s': its arguments and environment are too long for this "
                        "system (see the stack limit, ulimit -s)",
                        program);
    return jig_fail_sys(err, rc, "cannot start '%s'", program);
}

static void ended(void *data, unsigned events);

static void look_again(struct jig_timer *timer)
{
    struct jig_child *child = timer->data;
    siginfo_t info = {0};
    int rc = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (rc < 0 || info.si_pid)
        ended(child, JIG_READABLE);
    else
        jig_timer_start(child->loop, timer, jig_loop_now(child->loop) + look_interval);
}

static int watch_child(struct jig_child *child, struct jig_error *err)
{
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pidfd < 0 && errno == ENOSYS) {
        child->look = (struct jig_timer){.fire = look_again, .data = child};
        return jig_timer_start(child->loop, &child->look, jig_loop_now(child->loop));
    }
    if (child->pidfd < 0)
        return jig_fail_sys(err, errno, "cannot watch process %d", (int)child->pid);
    child->watch = jig_watch_new(child->loop, child->pidfd, ended, child, err);
    if (!child->watch) {
        close(child->pidfd);
        return JIG_ESYSTEM;
    }
    jig_watch_want(child->watch, JIG_READABLE);
    return JIG_OK;
}

static void fire_kill(struct jig_timer *timer);

struct jig_child *jig_child_start(struct jig_loop *loop, const struct jig_child_options *options,
                                  jig_child_fn *fn, void *data, struct jig_error *err)
{
    struct jig_child *child = calloc(1, sizeof *child);
    if (!child || !count_of(loop)) {
        jig_fail(err, JIG_ENOMEM, "no memory to start '%s'", options->argv[0]);
        free(child);
        return NULL;
    }
    child->loop = loop;
    child->fn = fn;
    child->data = data;
    child->kill_timer = (struct jig_timer){.fire = fire_kill, .data = child};
    int rc = spawn(&child->pid, options);
    if (rc) {
        fail_spawn(err, rc, options);
        free(child);
        return NULL;
    }
    if (watch_child(child, err) < 0) {
        kill(-child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        free(child);
        return NULL;
    }
    ++*count_of(loop);
    return child;
}

pid_t jig_child_pid(const struct jig_child *child)
{
    return child->pid;
}

/* ---- end ---- */

static void ended(void *data, unsigned events)
{
    struct jig_child *child = data;
    int status = 255 << 8; /* should it not be told: an exit that nobody takes for success */
    (void)events;
    jig_watch_free(child->watch);
    if (child->pidfd >= 0)
        close(child->pidfd);
    jig_timer_stop(child->loop, &child->kill_timer);
    if (child->stopping)
        kill(-child->pid, SIGKILL); /* helpers that outlived it; the zombie still holds the group */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    --*count_of(child->loop);
    if (child->fn)
        child->fn(child->data, status);
    free(child);
}

static void fire_kill(struct jig_timer *timer)
{
    struct jig_child *child = timer->data;
    kill(-child->pid, SIGKILL);
}

void jig_child_stop(struct jig_child *child, int64_t grace)
{
    int64_t now = jig_loop_now(child->loop);
    /* one before JIG_FOREVER, which would be no deadline to move */
    int64_t deadline = grace < JIG_FOREVER - now ? now + grace : JIG_FOREVER - 1;
    if (!child->stopping)
        kill(-child->pid, SIGTERM);
    else if (!child->kill_timer.place || child->kill_timer.deadline <= deadline)
        return; /* already killed, or sooner */
    child->stopping = true;
    if (jig_timer_start(child->loop, &child->kill_timer, deadline) < 0)
        kill(-child->pid, SIGKILL);
}

void jig_child_abandon(struct jig_child *child, int64_t grace)
{
    child->fn = NULL;
    jig_child_stop(child, grace);
}
