/* See child.h. */
#include "core/child.h"

#include "core/environment.h"
#include "core/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who becomes another program does not return, and what AddressSanitizer marks around its
 * variables would stay marked on a stack that the next child has, too. */
#define UNMARKED __attribute__((no_sanitize_address))

enum { STACK_SIZE = 32768 }; /* of a child until it becomes its program: a few small frames */

/* How often it is asked where the system has no pidfd (before Linux 5.3, under valgrind). */
static const int64_t look_interval = 5 * JIG_MS;

struct jig_child {
    struct jig_loop *loop;
    struct jig_child *next, **link; /* in the loop's list */
    struct jig_watch *watch; /* of pidfd; NULL where there is none, and `look` asks instead */
    struct jig_timer look;
    struct jig_timer kill_timer;
    jig_child_fn *fn; /* NULL = abandoned */
    void *data;
    pid_t pid;
    int pidfd;
    bool stopping;
};

/* The children of a loop. */
struct family {
    struct jig_child *first;
    size_t count;
};

static const char family_key; /* its address is the key */

static struct family *family_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &family_key, sizeof(struct family));
}

static void add(struct jig_child *child)
{
    struct family *family = family_of(child->loop);
    child->link = &family->first;
    child->next = family->first;
    if (child->next)
        child->next->link = &child->next;
    family->first = child;
    family->count++;
}

static void take_out(struct jig_child *child)
{
    *child->link = child->next;
    if (child->next)
        child->next->link = child->link;
    family_of(child->loop)->count--;
}

size_t jig_child_count(struct jig_loop *loop)
{
    const struct family *family = family_of(loop);
    return family ? family->count : 0;
}

/* ---- start ---- */

/* What is kept per loop: the stack that a child runs on until it becomes its program, and the
 * signals whose disposition is not the default. */
struct nursery {
    sigset_t changed;
    bool ready;
    _Alignas(16) char stack[STACK_SIZE];
};

/* All that a child needs before it becomes its program; it runs in jig's memory while the thread
 * that started it stands still. */
struct birth {
    const struct jig_child_options *options;
    const struct jig_lender *lender; /* set: it shares jig's descriptors at first */
    const char *program;
    char *const *argv, *const *env;
    const sigset_t *changed;
    volatile int error;
    volatile bool whole; /* it has descriptors of its own: from the first, where none are lent */
};

static const char nursery_key;

static struct nursery *nursery_of(struct jig_loop *loop)
{
    struct nursery *nursery = jig_loop_local(loop, &nursery_key, sizeof *nursery);
    if (!nursery || nursery->ready)
        return nursery;
    sigemptyset(&nursery->changed);
    for (int signum = 1; signum < NSIG; signum++) {
        struct sigaction action;
        if (sigaction(signum, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            sigaddset(&nursery->changed, signum);
    }
    nursery->ready = true;
    return nursery;
}

/* Puts the wanted descriptors at 0, 1, 2, the kept ones behind them, and closes all others. What
 * stands in that range is lifted above it first, so that none is overwritten before its turn. */
static int place(const struct jig_child_options *o)
{
    int last = 2 + (int)o->n_kept, lifted[3 + JIG_CHILD_KEPT];
    for (int fd = 0; fd <= last; fd++) {
        int given = fd < 3 ? o->stdio[fd] : o->kept[fd - 3];
        lifted[fd] = given < 0 ? open("/dev/null", fd ? O_WRONLY : O_RDONLY) : given;
        if (lifted[fd] >= 0 && lifted[fd] <= last)
            lifted[fd] = fcntl(lifted[fd], F_DUPFD, last + 1);
        if (lifted[fd] < 0)
            return -1;
    }
    for (int fd = 0; fd <= last; fd++)
        if (dup2(lifted[fd], fd) < 0)
            return -1;
    closefrom(last + 1);
    return 0;
}

static void set_dispositions(const sigset_t *changed)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    for (int signum = 1; signum < NSIG; signum++)
        if (sigismember(changed, signum) == 1)
            sigaction(signum, &normal, NULL);
}

/* While it was in jig's process group what was sent to that may have met it, too, a Ctrl-C or a
 * hang-up: it is none of its business. To ignore a signal drops one that waits. */
static void drop_pending(void)
{
    static const struct sigaction ignored = {.sa_handler = SIG_IGN},
                                  normal = {.sa_handler = SIG_DFL};
    sigset_t pending;
    if (sigpending(&pending) < 0)
        return;
    for (int signum = 1; signum < NSIG; signum++) {
        if (sigismember(&pending, signum) == 1) {
            sigaction(signum, &ignored, NULL);
            sigaction(signum, &normal, NULL);
        }
    }
}

/* A pinned program stands behind the descriptors that the child keeps, and is closed with this. */
UNMARKED static void run_program(const struct birth *birth)
{
    int last = 2 + (int)birth->options->n_kept;
    if (!birth->options->pinned)
        execve(birth->program, birth->argv, birth->env);
    else if (fcntl(last, F_SETFD, FD_CLOEXEC) == 0)
        execveat(last, "", birth->argv, birth->env, AT_EMPTY_PATH);
}

/* No core file, which might hold payloads, not even where a program asks for one; as many
 * descriptors as a program expects, for jig itself may have a million, and there are programs that
 * close all that they may have, one by one. Set by the child for itself, so there is no moment at
 * which its program runs without, and once its descriptors are placed: where it has a copy of all
 * that jig has, that may be more. */
static void set_limits(bool cores)
{
    static const struct rlimit none = {0, 0};
    struct rlimit files;
    if (!cores)
        setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > JIG_CHILD_FILES) {
        files.rlim_cur = JIG_CHILD_FILES;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* Runs in the child: only calls that are safe there, and no return on success. */
UNMARKED static int become_program(void *data)
{
    struct birth *birth = data;
    const struct jig_child_options *o = birth->options;
    sigset_t none;
    sigemptyset(&none);
    if (birth->lender && jig_lend_separate(birth->lender) < 0)
        _exit(127);
    birth->whole = true;
    set_dispositions(birth->changed);
    if (setsid() >= 0 && (!o->cwd || chdir(o->cwd) == 0) && place(o) == 0 &&
        (!o->terminal || ioctl(0, TIOCSCTTY, 0) == 0)) {
        set_limits(o->cores);
        drop_pending();
        if (o->terminal)
            signal(SIGHUP, SIG_IGN);
        sigprocmask(SIG_SETMASK, &none, NULL);
        run_program(birth);
    }
    birth->error = errno;
    _exit(127);
}

/* Where a program is: a name without '/' is looked up in PATH. 0 with *path, which may be `found`;
 * else ENOENT, or EACCES when there is one that may not be executed. */
static int find_program(const char *name, char *found, size_t size, const char **path)
{
    const char *place = getenv("PATH");
    int rc = ENOENT;
    *path = name;
    if (strchr(name, '/'))
        return 0;
    *path = found;
    for (place = place ? place : "/bin:/usr/bin"; *name; place++) {
        size_t n = strcspn(place, ":");
        if ((size_t)snprintf(found, size, "%.*s/%s", n ? (int)n : 1, n ? place : ".", name) <
            size) {
            if (access(found, X_OK) == 0)
                return 0;
            rc = errno == EACCES ? EACCES : rc;
        }
        place += n;
        if (!*place)
            break;
    }
    return rc;
}

/* Runs the child up to its program. 0 or an errno. */
static int bear(struct nursery *nursery, struct birth *birth, pid_t *pid)
{
    int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (birth->lender ? CLONE_FILES : 0);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = clone(become_program, nursery->stack + sizeof nursery->stack, flags, birth);
    int rc = *pid < 0 ? errno : birth->error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (*pid > 0 && (rc || !birth->whole))
        waitpid(*pid, NULL, 0);
    return rc;
}

/* With lent descriptors where that is possible, else with a copy of all. */
static int spawn(struct jig_loop *loop, pid_t *pid, const struct jig_child_options *o)
{
    struct nursery *nursery = nursery_of(loop);
    struct jig_child_options options = *o;
    char found[PATH_MAX];
    const char *few[JIG_ENVIRONMENT_MAX + 1];
    struct birth birth = {
        .options = &options,
        .argv = (char *const *)o->argv,
        .env = (char *const *)(o->env ? o->env : few),
    };
    jig_environment(few);
    if (!nursery)
        return ENOMEM;
    int rc = o->pinned ? 0 : find_program(o->argv[0], found, sizeof found, &birth.program);
    if (rc)
        return rc;
    birth.changed = &nursery->changed;
    if (o->pinned && o->n_kept == JIG_CHILD_KEPT)
        return EMFILE;
    if (o->pinned)
        options.kept[options.n_kept++] = o->pinned->fd;
    const struct jig_child_options whole = options;
    struct jig_lender *lender = jig_lend_begin(loop, &options);
    birth.lender = lender;
    birth.whole = !lender; /* under a checker the child's memory is another, and cannot tell */
    rc = bear(nursery, &birth, pid);
    bool separated = birth.whole || (rc && rc != EINVAL); /* a system that knows no such clone */
    if (lender)
        jig_lend_end(lender, !separated);
    if (separated)
        return rc;
    options = whole;
    birth.lender = NULL;
    birth.whole = true;
    return bear(nursery, &birth, pid);
}

/* ENOENT has four causes; tell them apart for the reader. A pinned file is there in any case. */
static int fail_spawn(struct jig_error *err, int rc, const struct jig_child_options *o)
{
    const char *program = o->argv[0];
    if (o->cwd && access(o->cwd, X_OK) < 0)
        return jig_fail_sys(err, errno, "cannot enter the working directory '%s'", o->cwd);
    if (rc == ENOENT && o->pinned)
        return jig_fail(err, JIG_ENOTFOUND,
                        "cannot start '%s': the loader that the program names does not exist",
                        program);
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
    if (options->pinned && jig_pinned_check(options->pinned, options->argv[0], err) < 0)
        return NULL;
    struct jig_child *child = calloc(1, sizeof *child);
    if (!child || !family_of(loop)) {
        jig_fail(err, JIG_ENOMEM, "no memory to start '%s'", options->argv[0]);
        free(child);
        return NULL;
    }
    child->loop = loop;
    child->fn = fn;
    child->data = data;
    child->kill_timer = (struct jig_timer){.fire = fire_kill, .data = child};
    int rc = spawn(loop, &child->pid, options);
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
    add(child);
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
    take_out(child);
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

void jig_child_kill_all(struct jig_loop *loop)
{
    const struct family *family = family_of(loop);
    for (struct jig_child *child = family ? family->first : NULL; child; child = child->next)
        jig_child_stop(child, 0);
}

void jig_child_abandon(struct jig_child *child, int64_t grace)
{
    child->fn = NULL;
    jig_child_stop(child, grace);
}
