/* See proc.h. */
#include "core/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/child.h"
#include "core/player.h"

enum { READ_SIZE = 16384 };

/* How long a program's pipes are left alone. One that ends sooner, with less than the system holds
 * for it (64 KiB), is read once, when it has ended: that spares being woken for what it prints and
 * again for its end, and the system calls to watch the pipes. A program that prints more waits this
 * long once. */
static const int64_t left_alone = 2 * JIG_MS;

struct stream {
    struct jig_proc *proc;
    struct jig_watch *watch;
    struct jig_buf *into;
    int fd;
};

struct jig_proc {
    struct jig_loop *loop;
    struct jig_child *child;   /* while it runs; or, */
    struct jig_played *played; /* in place of it, what plays it */
    struct stream out, err;
    struct jig_handing handing;
    struct jig_timer limit, look;
    int64_t grace;
    jig_proc_fn *fn;
    void *data;
    struct jig_proc_result result;
};

static void stop_for(struct jig_proc *proc, enum jig_proc_stop why, int64_t grace)
{
    if (proc->result.stop == JIG_PROC_NOT_STOPPED)
        proc->result.stop = why;
    if (proc->child)
        jig_child_stop(proc->child, grace);
    if (proc->played)
        jig_played_stop(proc->played, grace);
}

static void close_stream(struct stream *s)
{
    jig_watch_free(s->watch);
    s->watch = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* Keeps what was read. False over the cap, where only what fits is kept. */
static bool keep(struct stream *s, const uint8_t *bytes, size_t n)
{
    size_t left = s->into->cap - jig_buf_len(s->into);
    return jig_buf_append(s->into, bytes, n < left ? n : left) == 0 && n <= left;
}

/* Reads until the pipe is empty: on the stack first, since most programs print a few bytes or none,
 * and hundreds may run at once. Over the cap the rest is not kept and the program is ended. */
static void drain(struct stream *s)
{
    uint8_t bytes[READ_SIZE];
    for (;;) {
        ssize_t n = read(s->fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            close_stream(s);
        bool kept = n <= 0 || keep(s, bytes, (size_t)n);
        if (n > 0)
            explicit_bzero(bytes, (size_t)n);
        if (!kept) {
            close_stream(s);
            stop_for(s->proc, JIG_PROC_OVER_CAP, s->proc->grace);
        }
        if (s->fd < 0 || (n < 0 && errno == EAGAIN))
            return;
    }
}

static void readable(void *data, unsigned events)
{
    (void)events;
    drain(data);
}

static void free_proc(struct jig_proc *proc)
{
    close_stream(&proc->out);
    close_stream(&proc->err);
    jig_handover_end(&proc->handing);
    jig_timer_stop(proc->loop, &proc->limit);
    jig_timer_stop(proc->loop, &proc->look);
    jig_buf_release(&proc->result.out);
    jig_buf_release(&proc->result.err);
    free(proc);
}

static void child_ended(void *data, int status)
{
    struct jig_proc *proc = data;
    struct jig_proc_result *r = &proc->result;
    proc->child = NULL;
    proc->played = NULL;
    r->end = WIFSIGNALED(status) ? JIG_PROC_SIGNALLED : JIG_PROC_EXITED;
    r->number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    r->ended = jig_loop_now(proc->loop);
    if (proc->out.fd >= 0)
        drain(&proc->out);
    if (proc->err.fd >= 0)
        drain(&proc->err);
    r->unasked = jig_handover_unasked(&proc->handing);
    if (proc->fn)
        proc->fn(proc->data, r);
    free_proc(proc);
}

static void limit_passed(struct jig_timer *timer)
{
    struct jig_proc *proc = timer->data;
    stop_for(proc, JIG_PROC_TIMED_OUT, proc->grace);
}

static int open_stream(struct stream *s, int *theirs, struct jig_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return jig_fail_sys(err, errno, "cannot make a pipe for a program's output");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    s->fd = ends[0];
    *theirs = ends[1];
    return JIG_OK;
}

static bool watch_stream(struct stream *s)
{
    if (s->fd >= 0 && !s->watch)
        s->watch = jig_watch_new(s->proc->loop, s->fd, readable, s, NULL);
    if (s->watch)
        jig_watch_want(s->watch, JIG_READABLE);
    return s->fd < 0 || s->watch;
}

/* Should it be impossible to watch them, the system's lack may pass: tried again. */
static void watch_pipes(struct jig_timer *timer)
{
    struct jig_proc *proc = timer->data;
    bool out = watch_stream(&proc->out), err = watch_stream(&proc->err);
    if (!out || !err)
        jig_timer_start(proc->loop, &proc->look, jig_loop_now(proc->loop) + left_alone);
}

static struct jig_proc *new_proc(struct jig_loop *loop, const struct jig_proc_options *o)
{
    struct jig_proc *proc = calloc(1, sizeof *proc);
    if (!proc)
        return NULL;
    proc->loop = loop;
    proc->grace = o->grace;
    proc->out = (struct stream){proc, NULL, &proc->result.out, -1};
    proc->err = (struct stream){proc, NULL, &proc->result.err, -1};
    proc->result.out.cap = proc->result.err.cap = o->cap;
    proc->result.started = jig_loop_now(loop);
    proc->limit = (struct jig_timer){.fire = limit_passed, .data = proc};
    proc->look = (struct jig_timer){.fire = watch_pipes, .data = proc};
    return proc;
}

static void asked_again(void *data)
{
    struct jig_proc *proc = data;
    stop_for(proc, JIG_PROC_ASKED_AGAIN, proc->grace);
}

static void flooded(void *data)
{
    struct jig_proc *proc = data;
    stop_for(proc, JIG_PROC_OVER_CAP, proc->grace);
}

/* Its descriptors are there. */
static int start_with(struct jig_proc *proc, struct jig_child_options *child,
                      const struct jig_handover *handover, struct jig_error *err)
{
    static const struct jig_handover none = {0};
    const struct jig_handover_watch watch = {
        .cap = proc->result.out.cap, .again = asked_again, .flood = flooded, .data = proc};
    int rc = jig_handover_begin(&proc->handing, handover ? handover : &none, proc->loop, child,
                                &watch, err);
    if (rc < 0)
        return rc;
    proc->child = jig_child_start(proc->loop, child, child_ended, proc, err);
    jig_handover_started(&proc->handing);
    return proc->child ? JIG_OK : JIG_ESYSTEM;
}

static int start_child(struct jig_proc *proc, const struct jig_proc_options *o,
                       struct jig_error *err)
{
    struct jig_child_options child = {.argv = o->argv,
                                      .env = o->env,
                                      .cwd = o->cwd,
                                      .stdio = {-1, -1, -1},
                                      .n_kept = o->n_kept,
                                      .cores = o->cores,
                                      .pinned = o->pinned};
    memcpy(child.kept, o->kept, sizeof child.kept);
    int rc = open_stream(&proc->out, &child.stdio[1], err);
    if (rc == JIG_OK)
        rc = open_stream(&proc->err, &child.stdio[2], err);
    if (rc == JIG_OK)
        rc = start_with(proc, &child, o->handover, err);
    for (int fd = 1; fd < 3; fd++)
        if (child.stdio[fd] >= 0)
            close(child.stdio[fd]);
    return rc;
}

/* Whether it is played: 1, 0 or a failure. */
static int play(struct jig_proc *proc, const struct jig_proc_options *o, struct jig_play *play,
                struct jig_error *err)
{
    int rc = jig_player_ask(proc->loop, o, play, err);
    if (rc <= 0)
        return rc;
    proc->played = jig_played_start(proc->loop, play, child_ended, proc, err);
    return proc->played ? 1 : (int)JIG_ENOMEM;
}

static int start_either(struct jig_proc *proc, const struct jig_proc_options *o,
                        struct jig_play *plays, struct jig_error *err)
{
    int rc = play(proc, o, plays, err);
    return rc == 0 ? start_child(proc, o, err) : rc;
}

/* What is played has printed all at once. */
static void print(struct jig_proc *proc, struct jig_play *plays)
{
    struct stream *streams[] = {&proc->out, &proc->err};
    struct jig_buf *printed[] = {&plays->out, &plays->err};
    for (int i = 0; i < 2; i++) {
        if (!keep(streams[i], jig_buf_data(printed[i]), jig_buf_len(printed[i])))
            stop_for(proc, JIG_PROC_OVER_CAP, proc->grace);
        jig_buf_release(printed[i]);
    }
}

/* The pipes are left alone for a while. */
static void look_later(struct jig_proc *proc)
{
    if (jig_loop_clock(proc->loop)->simulated ||
        jig_timer_start(proc->loop, &proc->look, proc->result.started + left_alone) < 0)
        watch_pipes(&proc->look); /* simulated time stands still while a program runs */
}

struct jig_proc *jig_proc_start(struct jig_loop *loop, const struct jig_proc_options *options,
                                jig_proc_fn *fn, void *data, struct jig_error *err)
{
    struct jig_proc *proc = new_proc(loop, options);
    if (!proc) {
        jig_fail(err, JIG_ENOMEM, "no memory to run '%s'", options->argv[0]);
        return NULL;
    }
    struct jig_play plays;
    if (start_either(proc, options, &plays, err) < 0) {
        jig_buf_release(&plays.out);
        jig_buf_release(&plays.err);
        free_proc(proc);
        return NULL;
    }
    proc->fn = fn;
    proc->data = data;
    if (proc->played)
        print(proc, &plays);
    else
        look_later(proc);
    jig_proc_limit(proc, options->deadline);
    return proc;
}

pid_t jig_proc_pid(const struct jig_proc *proc)
{
    return proc->child ? jig_child_pid(proc->child) : 0;
}

int jig_proc_signal(struct jig_proc *proc, int signum, struct jig_error *err)
{
    if (proc->played)
        jig_played_signal(proc->played, signum);
    else if (!proc->child || kill(jig_child_pid(proc->child), signum) < 0)
        return jig_fail_sys(err, proc->child ? errno : ESRCH, "cannot send signal %d", signum);
    return JIG_OK;
}

void jig_proc_stop(struct jig_proc *proc, int64_t grace)
{
    stop_for(proc, JIG_PROC_STOPPED, grace);
}

void jig_proc_limit(struct jig_proc *proc, int64_t deadline)
{
    if (proc->limit.place && proc->limit.deadline <= deadline)
        return;
    if (jig_timer_start(proc->loop, &proc->limit, deadline) < 0)
        jig_proc_stop(proc, proc->grace); /* without a limit it must not go on */
}

void jig_proc_abandon(struct jig_proc *proc)
{
    proc->fn = NULL;
    jig_proc_stop(proc, proc->grace);
}

int jig_proc_check(const struct jig_proc_result *result, const char *what, struct jig_error *err)
{
    double seconds = (double)(result->ended - result->started) / JIG_SECOND;
    switch (result->stop) {
    case JIG_PROC_TIMED_OUT:
        return jig_fail(err, JIG_ETIMEOUT, "%s did not end within its limit; ended after %.3g s%s",
                        what, seconds,
                        result->unasked ? "; its terminal never showed the text of token.pin.prompt"
                                        : "");
    case JIG_PROC_OVER_CAP:
        return jig_fail(err, JIG_ELIMIT, "%s printed more than %zu bytes on one stream", what,
                        result->out.cap);
    case JIG_PROC_ASKED_AGAIN:
        return jig_fail(err, JIG_EPIN,
                        "%s asked again for the PIN that it had been given: it refused it, and was "
                        "ended",
                        what);
    case JIG_PROC_STOPPED:
        return jig_fail(err, JIG_ECANCELLED, "%s was stopped by jig after %.3g s", what, seconds);
    case JIG_PROC_NOT_STOPPED:
        break;
    }
    if (result->end == JIG_PROC_SIGNALLED)
        return jig_fail(err, JIG_EKILLED, "%s was ended by signal %d (%s)", what, result->number,
                        strsignal(result->number));
    return JIG_OK;
}
